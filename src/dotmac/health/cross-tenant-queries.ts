/** validateCrossTenantQueries: asks for foreign rows as the application, and undoes everything. */

import { sqlstateOf } from '../../errors.ts'
import type { StrategySession } from '../../model/context-strategy.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { tablesOf } from '../models/index.ts'
import type { MappedTenant } from '../migrations/places.ts'
import { askTable, type AskedTable } from './ask-table.ts'
import {
  askedTenants,
  healthCheck,
  inTenant,
  together,
  type Found,
  type HealthCheck,
  type HealthSubject,
} from './health-check.ts'
import {
  marksOf,
  ownersViews,
  readAsNobody,
  readForeign,
  relationsReachedBy,
  type ReachedRelation,
} from './reached-relations.ts'

class Undo extends Error {}

/** Refuses to say ok with fewer than two tenants: there is nothing foreign then. */
export async function validateCrossTenantQueries(subject: HealthSubject): Promise<HealthCheck> {
  const tenants = askedTenants(subject)
  const isShared = subject.tenancy === 'row-level-security'
  const tables = await tablesToAsk(subject)
  const found: Found[] = isShared ? [await ownersViews(subject)] : []
  const counts = { pairs: 0, statements: 0, tables: tables.length, tablesWithForeignRows: 0 }
  const seen = new Set<string>()
  const shared = isShared ? await relationsReachedBy(subject, subject.roles.app, 'public') : []
  for (const [index, tenant] of tenants.entries()) {
    const other = tenants[(index + 1) % tenants.length]
    if (other === undefined || other.id === tenant.id) continue
    counts.pairs += 1
    const own = await tablesWithRows(subject, tables, tenant)
    for (const name of await tablesWithRows(subject, tables, other)) seen.add(name)
    const relations = isShared
      ? shared
      : await relationsReachedBy(subject, tenant.role, tenant.schema)
    const marks = relations.length === 0 ? [] : await foreignMarks(subject, tenant, other)
    const asked = { subject, tenant, other, tables, own, relations, marks, counts }
    found.push(await undone(subject, tenant, (session) => askAsTenant(session, asked)))
  }
  if (isShared && counts.pairs > 0 && shared.length > 0) {
    found.push(await undone(subject, nobody, (session) => readAsNobody(session, shared)))
  }
  counts.tablesWithForeignRows = seen.size
  return healthCheck('validateCrossTenantQueries', counts, together(...found))
}

/** No id of the platform looks like it: ids are the operator's, and 255 characters at most. */
const nobody: MappedTenant = { id: `nobody ${'-'.repeat(200)}`, schema: '', role: '' }

async function foreignMarks(subject: HealthSubject, tenant: MappedTenant, other: MappedTenant) {
  const mine = new Set(await marksOf(subject, tenant))
  return (await marksOf(subject, other)).filter((mark) => !mine.has(mark))
}

/** Tables whose rows a trigger may change before the policy sees them. */
async function tablesToAsk({ admin, service }: HealthSubject): Promise<readonly AskedTable[]> {
  const rows = await admin.query(`SELECT DISTINCT c.relname AS name FROM pg_trigger t
    JOIN pg_class c ON c.oid = t.tgrelid WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND t.tgtype & 7 = 7`)
  const changed = new Set(rows.map((row) => row['name']))
  return tablesOf(service)
    .filter((table) => table.placement === 'tenant')
    .map(({ name }) => ({ name, isChangedBefore: changed.has(name) }))
}

async function tablesWithRows(
  { admin, tenancy }: HealthSubject,
  tables: readonly AskedTable[],
  { id, schema }: MappedTenant,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const { name } of tables) {
    const at = `${identifier(tenancy === 'schema-per-tenant' ? schema : 'public')}.${identifier(name)}`
    const rows = await admin.query(`SELECT 1 FROM ${at} WHERE tenant_id = ${literal(id)} LIMIT 1`)
    if (rows.length > 0) found.add(name)
  }
  return found
}

async function undone(
  subject: HealthSubject,
  tenant: MappedTenant,
  work: (session: StrategySession) => Promise<Found>,
): Promise<Found> {
  const answered: Found[] = []
  await inTenant(subject, tenant, async (session) => {
    answered.push(await inTransaction(session, work))
    throw new Undo()
  }).catch((error: unknown) => {
    if (error instanceof Undo) return
    const code = sqlstateOf(error)
    if (code === null) throw error
    answered.push({
      findings: [`entering the context of a tenant ended with ${code}`],
      unjudged: [],
    })
  })
  return together(...answered)
}

/** A strategy may keep no transaction; what is asked must be undone all the same. */
async function inTransaction(
  session: StrategySession,
  work: (session: StrategySession) => Promise<Found>,
): Promise<Found> {
  const isOpen = await session.query('SAVEPOINT whole').then(
    () => true,
    (error: unknown) => {
      if (sqlstateOf(error) === '25P01') return false
      throw error
    },
  )
  if (isOpen) return work(session)
  await session.query('BEGIN')
  try {
    await session.query('SAVEPOINT whole')
    return await work(session)
  } catch (error) {
    if (sqlstateOf(error) !== '25P01' && sqlstateOf(error) !== '3B001') throw error
    return {
      findings: [],
      unjudged: ['the strategy ends every transaction, so nothing could be asked and undone'],
    }
  } finally {
    await session.query('ROLLBACK')
  }
}

interface Asked {
  readonly subject: HealthSubject
  readonly tenant: MappedTenant
  readonly other: MappedTenant
  readonly tables: readonly AskedTable[]
  /** Tables in which the tenant has rows. */
  readonly own: ReadonlySet<string>
  readonly relations: readonly ReachedRelation[]
  readonly marks: readonly string[]
  readonly counts: { statements: number }
}

async function askAsTenant(session: StrategySession, asked: Asked): Promise<Found> {
  const {
    subject: { tenancy },
    tenant,
    other,
    tables,
    own,
    relations,
    marks,
    counts,
  } = asked
  // Nobody waits for a lock that this takes, and it waits for none for long.
  await session.query("SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '10s'")
  const found: Found[] = []
  for (const table of tables) {
    const at = (schema: string) =>
      `${identifier(tenancy === 'schema-per-tenant' ? schema : 'public')}.${identifier(table.name)}`
    found.push(
      await askTable(session, table, {
        at: at(other.schema),
        own: own.has(table.name) ? at(tenant.schema) : null,
        tenant,
        other,
        counts,
      }),
    )
  }
  found.push(
    await readForeign(session, relations, {
      only: tenancy === 'schema-per-tenant' ? tenant : null,
      other,
      marks,
    }),
  )
  return together(...found)
}
