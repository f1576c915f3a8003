/** Keys for the timing probe: of the attacker's own rows, of another tenant's, and near both of nobody's. */

import type { Relation } from '../model/catalog.ts'
import type { TenantId } from '../model/tenant.ts'
import { identifier, literal } from '../sql/identifier.ts'
import { objectOf } from './cells.ts'
import type { Cell } from '../probe/define.ts'
import { firstOwners } from './forms/inputs.ts'
import { targetOf } from '../world/targets.ts'
import type { World } from '../world/world.ts'

export interface Keys {
  readonly attacker: TenantId
  readonly victim: TenantId
  readonly address: string
  readonly column: string
  /** SQL type of the column. */
  readonly type: string
  readonly own: readonly string[]
  readonly foreign: readonly string[]
  readonly nobody: readonly string[]
  /** As many others, for the comparison of a kind with itself. */
  readonly nobodyElse: readonly string[]
}

const keysMax = 24

/** Null where fewer than two tenants have rows, or no key can be chosen freely. */
export async function keysOf(world: World, cell: Cell): Promise<Keys | null> {
  const object = objectOf(cell)
  const [attacker, victim] = firstOwners(world, object)
  if (attacker === undefined || victim === undefined) return null
  const target = targetOf(object, world.tenant(attacker))
  const tenantColumn = target?.tenantColumn ?? null
  if (target === null || tenantColumn === null) return null
  const column = keyColumn(target.relation)
  if (column === null) return null
  const of = async (owner: TenantId) =>
    (
      await world.admin.query(`SELECT ${identifier(column)}::text AS key
    FROM ${target.address} WHERE ${identifier(tenantColumn)} = ${literal(owner)} ORDER BY 1 LIMIT ${keysMax}`)
    ).map((row) => String(row['key']))
  const [own, foreign] = [await of(attacker), await of(victim)]
  const known = new Set([...own, ...foreign])
  const nobody = nearMisses(foreign, known, 1)
  const nobodyElse = nearMisses(foreign, known, 2)
  const size = Math.min(own.length, foreign.length, nobody.length, nobodyElse.length)
  if (size === 0) return null
  const [row] = await world.admin
    .query(`SELECT pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, (
    SELECT count(*) FROM ${target.address} WHERE ${identifier(column)}::text IN
      (${[...nobody, ...nobodyElse].map(literal).join(', ')})) AS taken
    FROM pg_catalog.pg_attribute a WHERE a.attrelid = ${target.relation.oid} AND a.attname = ${literal(column)}`)
  if (row?.['taken'] !== '0') return null
  const take = (list: readonly string[]) => list.slice(0, size)
  return {
    attacker,
    victim,
    address: target.address,
    column,
    type: String(row['type']),
    own: take(own),
    foreign: take(foreign),
    nobody: take(nobody),
    nobodyElse: take(nobodyElse),
  }
}

function keyColumn(relation: Relation): string | null {
  return (
    [...relation.primaryKey, ...relation.uniqueKeys.flat()].find(
      (name) => name !== relation.tenantColumn,
    ) ?? null
  )
}

/** Keys beside those of rows, so that they lie on the same pages of an index: one character is another one. */
function nearMisses(
  keys: readonly string[],
  known: ReadonlySet<string>,
  step: number,
): readonly string[] {
  return keys.flatMap((key) => {
    const missed = key.replace(/[0-9a-f](?=[^0-9a-f]*$)/i, (digit) =>
      /\d/.test(digit) ? String((Number(digit) + step) % 10) : String(step),
    )
    return missed === key || known.has(missed) ? [] : [missed]
  })
}
