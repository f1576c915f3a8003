/** Functions of the application in the clauses of statements over tables and views: they get what each row holds. */

import type { Column, FunctionEntry, Relation } from '../../model/catalog.ts'
import type { Statement } from '../../model/observation.ts'
import type { Tenant } from '../../model/tenant.ts'
import { identifier, qualified } from '../../sql/identifier.ts'
import type { Scene } from '../../probe/define.ts'
import { callableFunctions, functionSignature } from '../function-calls.ts'
import { readableBy } from '../../world/sight.ts'
import type { World } from '../../world/world.ts'

/** Functions that a row, or a value of one, can be given to. */
export function functionsOfRows(world: World): readonly FunctionEntry[] {
  const [first] = world.tenants
  const relations = first === undefined ? [] : readableBy(world, first)
  return callableFunctions(world).filter(
    (entry) =>
      entry.kind === 'function' &&
      entry.argumentTypes.length > 0 &&
      !entry.returnsSet &&
      relations.some((relation) => placesOf(relation, entry).length > 0),
  )
}

/** An index on the tenant would give the function own rows only; every role may do without it. */
const withoutIndexes = ['enable_indexscan', 'enable_bitmapscan', 'enable_indexonlyscan'].map(
  (name): Statement => ({ sql: `SET LOCAL ${name} = off`, role: 'context' }),
)

/** Places of one attempt; the rounds go through all of them. */
const placesPerRound = 6

/** The function in WHERE, ORDER BY, GROUP BY and RETURNING, over some of the columns that fit its first argument. */
export function functionClauses(
  { world, cell }: Scene,
  attacker: Tenant,
  round: number,
): readonly Statement[] {
  const entry = functionsOfRows(world).find((each) => functionSignature(each) === cell.name)
  if (entry === undefined) return []
  const places = readableBy(world, attacker).flatMap((relation) => placesOf(relation, entry))
  const first = (round * placesPerRound) % Math.max(1, places.length)
  const chosen = [...places.slice(first), ...places.slice(0, first)].slice(0, placesPerRound)
  return [...withoutIndexes, ...chosen.flatMap((place) => clauses(place, entry))]
}

interface Place {
  readonly relation: Relation
  readonly value: string
}

/** Of each relation the column that says most, a mark if there is one. */
function placesOf(relation: Relation, { argumentTypes }: FunctionEntry): readonly Place[] {
  const [type = ''] = argumentTypes
  const readable = relation.columns.filter(({ selectable }) => selectable)
  const fitting = readable
    .filter((column) => fits(column, type))
    .toSorted((a, b) => rank(relation, a) - rank(relation, b))
  const whole =
    /^(json|jsonb|record|anyelement)$/.test(type) && readable.length === relation.columns.length
  if (whole)
    return [{ relation, value: type.startsWith('json') ? `pg_catalog.to_${type}(t)` : 't' }]
  return fitting
    .slice(0, 2)
    .map(({ name }) => ({
      relation,
      value: `t.${identifier(name)}::${type.startsWith('any') ? 'text' : type}`,
    }))
}

function fits({ type: from }: Column, to: string): boolean {
  const isText = (type: string) => /^(text|character|name|citext|any)/.test(type)
  const isNumber = (type: string) => /^(bigint|integer|smallint|numeric|double|real)/.test(type)
  // Every value has a text, and an id's text is a mark.
  if (isText(to)) return isText(from) || from === 'uuid'
  return from === to || (isNumber(from) && isNumber(to))
}

/** Names, mails and numbers first; the tenant's own name last, because every row has it. */
function rank({ tenantColumn, primaryKey }: Relation, { name }: Column): number {
  if (name === tenantColumn) return 3
  if (primaryKey.includes(name)) return 1
  return /mail|name|number|serial|title|host|reference|notes/.test(name) ? 0 : 2
}

function clauses({ relation, value }: Place, entry: FunctionEntry): readonly Statement[] {
  const rest = entry.argumentTypes.slice(1).map((type) => restOf(type))
  const call = `${identifier(entry.schema)}.${identifier(entry.name)}(${[value, ...rest].join(', ')})`
  const from = qualified(relation)
  const own = relation.columns.find(({ updatable, generated }) => updatable && !generated)
  const mayUpdate = own !== undefined && relation.updatable.includes('UPDATE')
  const sqls = [
    // Nothing around the call but what is leakproof itself, or the whole condition would wait behind the policy.
    `SELECT count(*) AS seen FROM ${from} t WHERE (${call}) IS NOT NULL`,
    `SELECT 1 AS seen FROM ${from} t ORDER BY ${call}::text LIMIT 1`,
    ...(mayUpdate
      ? [
          `UPDATE ${from} t SET ${identifier(own.name)} = t.${identifier(own.name)} ` +
            `WHERE (${call}) IS NOT NULL RETURNING ${call}::text`,
        ]
      : []),
  ]
  return sqls.map((sql) => ({ sql, role: 'comparison' }))
}

function restOf(type: string): string {
  if (type === 'boolean') return 'true'
  return /^(bigint|integer|smallint|numeric|double|real)/.test(type)
    ? `1::${type}`
    : `NULL::${type}`
}
