/** Rows of a relation by owner: how many, and a hash over their whole content. */

import { relationKey, type Relation } from '../model/catalog.ts'
import type { TenantId } from '../model/tenant.ts'
import { identifier, literal, qualified } from '../sql/identifier.ts'
import type { Session } from '../postgres/session/session.ts'
import { targetOf } from './targets.ts'
import type { WorldObject } from '../model/world.ts'
import type { World } from './world.ts'

/** Rows and a hash that does not depend on their order. The key null stands for rows that no tenant owns. */
export type Groups = ReadonlyMap<TenantId | null, { readonly rows: number; readonly hash: string }>

/** Texts must not differ because a role or a database has settings of its own. */
export const textSettings = [
  'TimeZone = UTC',
  'DateStyle = ISO',
  'IntervalStyle = postgres',
  'bytea_output = hex',
  'extra_float_digits = 1',
].map((setting) => `SET LOCAL ${setting}`)

/** `n` and `hash` over the given text of each row of the alias t. */
export function countAndHash(text: string): string {
  return `count(*) AS n, coalesce(sum(hashtextextended(${text}, 0)::numeric), 0)::text AS hash`
}

const recognisedRowsMax = 20_000

/**
 * By `relationKey`. One statement asks all relations that say whose their rows are; what is run first travels with
 * it. All is sent before this function waits. Needs a session that sees every row, inside a transaction.
 */
export async function readGroups(
  session: Session,
  world: World,
  { relations, first = [] }: { relations: readonly Relation[]; first?: readonly string[] },
): Promise<ReadonlyMap<string, Groups>> {
  const told = relations.flatMap((relation) => {
    const owner = ownerSqlOf(world, relation)
    return owner === null ? [] : [{ relation, owner }]
  })
  const untold = relations.filter((relation) => ownerSqlOf(world, relation) === null)
  const selects = told.map(
    ({ relation, owner }, index) => `SELECT ${index} AS relation, ${owner} AS owner,
      ${countAndHash('t::text')} FROM ONLY ${qualified(relation)} t GROUP BY 2`,
  )
  const counted = session.query(
    [
      ...first,
      ...textSettings,
      selects.length === 0 ? 'SELECT 1' : selects.join(' UNION ALL '),
    ].join('; '),
  )
  const recognised = untold.map((relation) => recognisedIn(session, world, relation))
  const [rows, ...others] = await Promise.all([counted, ...recognised])
  const known = new Set(world.tenants.map(({ id }) => id))
  const groups = told.map(() => new Map<TenantId | null, { rows: number; hash: string }>())
  for (const row of selects.length === 0 ? [] : rows) {
    const id = typeof row['owner'] === 'string' && known.has(row['owner']) ? row['owner'] : null
    const into = groups[Number(row['relation'])]
    if (into !== undefined)
      add(into, id, { rows: Number(row['n']), hash: BigInt(String(row['hash'])) })
  }
  return new Map([
    ...told.map(
      ({ relation }, index) => [relationKey(relation), groups[index] ?? new Map()] as const,
    ),
    ...untold.map(
      (relation, index) => [relationKey(relation), others[index] ?? new Map()] as const,
    ),
  ])
}

/** Null where the row's own marks have to say it. */
function ownerSqlOf(world: World, relation: Relation): string | null {
  const located = world.ownership.ownerByPlace(relation)
  if (located !== null) return `${literal(located)}::text`
  return relation.tenantColumn === null ? null : `t.${identifier(relation.tenantColumn)}::text`
}

/** Without a tenant column the marks in a row say whose it is. */
async function recognisedIn(session: Session, world: World, relation: Relation): Promise<Groups> {
  const rows =
    await session.query(`SELECT t::text AS whole, hashtextextended(t::text, 0)::text AS hash
    FROM ONLY ${qualified(relation)} t LIMIT ${recognisedRowsMax}`)
  const groups = new Map<TenantId | null, { rows: number; hash: string }>()
  for (const row of rows) {
    add(groups, world.ownership.ownerOfValue(row['whole']), {
      rows: 1,
      hash: BigInt(String(row['hash'])),
    })
  }
  return groups
}

function add(
  groups: Map<TenantId | null, { rows: number; hash: string }>,
  owner: TenantId | null,
  more: { readonly rows: number; readonly hash: bigint },
): void {
  const had = groups.get(owner)
  groups.set(owner, {
    rows: (had?.rows ?? 0) + more.rows,
    hash: String(BigInt(had?.hash ?? 0) + more.hash),
  })
}

const truths = new WeakMap<WorldObject, Promise<Groups>>()

/** The administrator's side of the union: rows of the object by owner, over the columns that tenants may read. */
export function ownGroups(world: World, object: WorldObject): Promise<Groups> {
  const known = truths.get(object) ?? readOwn(world, object)
  truths.set(object, known)
  return known
}

async function readOwn(world: World, object: WorldObject): Promise<Groups> {
  const relations = new Map(
    world.tenants.flatMap((tenant) => {
      const target = targetOf(object, tenant)
      return target === null ? [] : [[target.address, target] as const]
    }),
  )
  const groups = new Map<TenantId | null, { rows: number; hash: string }>()
  for (const [address, { relation, columns, tenantColumn }] of relations) {
    const located = world.ownership.ownerByPlace(relation)
    const owner =
      located !== null
        ? literal(located)
        : tenantColumn === null
          ? 'NULL::text'
          : `t.${identifier(tenantColumn)}::text`
    const answers = await Promise.all([
      ...textSettings.map((sql) => world.admin.query(sql.replace('SET LOCAL', 'SET'))),
      world.admin.query(`SELECT ${owner} AS owner, ${countAndHash(`ROW(${columns})::text`)}
        FROM ${address} t GROUP BY 1`),
    ])
    for (const row of answers.at(-1) ?? []) {
      const id = row['owner'] === null || row['owner'] === undefined ? null : String(row['owner'])
      add(groups, id, { rows: Number(row['n']), hash: BigInt(String(row['hash'])) })
    }
  }
  return groups
}
