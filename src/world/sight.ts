/**
 * What a tenant sees after an act: rows with marks of others, and rows that the act itself wrote, in everything that
 * it may read. One statement asks all of the relations.
 */

import { relationKey, type Relation } from '../model/catalog.ts'
import type { Row } from '../model/observation.ts'
import type { Tenant } from '../model/tenant.ts'
import { identifier, literal, qualified } from '../sql/identifier.ts'
import type { Session } from '../postgres/session/session.ts'
import type { World } from './world.ts'

export interface Sight {
  /** `schema.name`. */
  readonly relation: string
  readonly row: Row
}

const rowsMax = 20

/** Set by `look` before it asks. */
export const sightSavepoint = 'watertight_sight'

/** What the tenant may read in its own context. */
export function readableBy(world: World, tenant: Tenant): readonly Relation[] {
  return world.objects.flatMap((object) => {
    const relation = object.relationOf(tenant)
    return relation?.applicationPrivileges.includes('SELECT') === true ? [relation] : []
  })
}

export interface Looking {
  /** Who looks; null for nobody, to whom every mark is foreign. */
  readonly tenant: Tenant | null
  readonly relations: readonly Relation[]
}

/** Rows of the relations, as whoever the session is now sees them; a relation that refuses is left out. */
export async function look(
  session: Session,
  world: World,
  { tenant, relations }: Looking,
): Promise<readonly Sight[]> {
  if (relations.length === 0) return []
  const selects = relations.map((relation) => selectFrom(relation, marksOfOthers(world, tenant)))
  const all = await tried(session, selects.join(' UNION ALL '))
  if (all !== null) return all
  const sights: Sight[] = []
  for (const select of selects) sights.push(...((await tried(session, select)) ?? []))
  return sights
}

/** Null when it was refused; the transaction goes on. */
async function tried(session: Session, sql: string): Promise<readonly Sight[] | null> {
  const context = (text: string) => session.observe({ sql: text, role: 'context' })
  const seen = await context(`SAVEPOINT ${sightSavepoint}; ${sql}`)
  if (seen.kind !== 'rows') {
    await context(`ROLLBACK TO SAVEPOINT ${sightSavepoint}`)
    return null
  }
  return seen.rows.map((row) => ({
    relation: String(row['relation']),
    row: plainRow(String(row['row'])),
  }))
}

function plainRow(json: string): Row {
  const parsed = JSON.parse(json) as Record<string, unknown>
  return Object.fromEntries(
    Object.entries(parsed).map(([name, value]) => [
      name,
      value === null ? null : typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )
}

/** Plain columns without SELECT hide the row's own version, and with it whether it was written just now. */
function selectFrom(relation: Relation, marks: string): string {
  const columns = relation.columns.filter(({ selectable }) => selectable)
  const names = columns.map(({ name }) => `t.${identifier(name)}`).join(', ')
  const isStored = ['table', 'partitioned table', 'partition'].includes(relation.kind)
  const whole = columns.length === relation.columns.length
  const written = isStored && whole ? ' OR pg_catalog.age(t.xmin) <= 0' : ''
  return `(SELECT ${literal(relationKey(relation))} AS relation, pg_catalog.to_jsonb(x)::text AS row
    FROM (SELECT ${names} FROM ${qualified(relation)} t
      WHERE ROW(${names})::text ~* ${literal(marks)}${written} LIMIT ${rowsMax}) x)`
}

function marksOfOthers(world: World, tenant: Tenant | null): string {
  return world.tenants
    .filter(({ id }) => id !== tenant?.id)
    .flatMap(({ tag, watermark }) => [`${tag}-`, watermark])
    .join('|')
}
