/** Runs one migration as `migrate` does, puts rows into what it made, and reads them as the application. */

import { operationsRig } from './operations-rig.ts'
import type { Attempt, Row, Step } from '../../model/observation.ts'
import { identifier, literal, qualified } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import { readCatalogStates, undeclared, type CatalogStates } from './catalog-states.ts'
import { operated, performed } from './define.ts'
import { placeOf, type Migrating, type OpenTable } from './open-tables.ts'

/** Names of everything that the scripts make. */
const made = ['watertight_made', 'watertight_other', 'watertight_part', 'watertight_child']

/**
 * A migration that is refused has nothing to read. What is left after the transaction was rolled back got past it,
 * and is an attack's row too; it is dropped.
 */
export async function tryMigration(
  migrating: Migrating,
  { script, table, before, earlier }: OpenTable,
  reader: 'attacker' | 'owner' = 'attacker',
): Promise<Attempt> {
  const { world, attacker, victim } = migrating
  const { admin, operations } = await world.companion(operationsRig)
  const steps: Step[] = []
  await admin.query('BEGIN')
  try {
    const catalog = await readCatalogStates(admin)
    const run = (migration: string, sql: string) =>
      performed(sql, 'attack', async () => {
        await operations.migrate(admin, { migration, script: sql, ...placeOf(migrating) })
        return []
      })
    const first = earlier === undefined ? null : await run('998.do.watertight.sql', earlier)
    if (first !== null) steps.push(first)
    const migrated = await run('999.do.watertight.sql', script)
    steps.push(migrated)
    if (migrated.observation.kind === 'rows') {
      steps.push(await changedElsewhere(admin, catalog))
      const owners = world.id.tenancy === 'row-level-security' ? [attacker, victim] : [victim]
      const rows = owners.map(({ id }) => `(${literal(id)}, 'watertight')`).join(', ')
      await admin.query(`INSERT INTO ${table} (tenant_id, note) VALUES ${rows}`)
      steps.push(...(await readAs(admin, migrating, { table, before, reader })))
    }
  } finally {
    await admin.query('ROLLBACK')
  }
  steps.push(
    await performed('tables that are there after ROLLBACK', 'attack', () => leftovers(admin)),
  )
  return operated(steps)
}

/** A migration changes what its script is about, and nothing else of what protects the others. */
function changedElsewhere(admin: Session, before: CatalogStates): Promise<Step> {
  return performed('policies, grants, owners, ... of everything else', 'attack', async () => {
    const after = await readCatalogStates(admin)
    return undeclared(before, after, { isAbout: (object) => object.includes('watertight_') })
  })
}

interface Reading {
  readonly table: string
  readonly before: string | undefined
  readonly reader: 'attacker' | 'owner'
}

/** The attacker must see nothing of others; the owner, as the positive control, its own row. */
async function readAs(
  admin: Session,
  migrating: Migrating,
  { table, before, reader }: Reading,
): Promise<readonly Step[]> {
  const { world, attacker, victim } = migrating
  const who = reader === 'owner' ? victim : attacker
  await admin.query(`SET LOCAL ROLE ${identifier(world.application)}`)
  for (const { sql } of world.enter(who)) await admin.query(sql)
  const steps: Step[] = []
  if (before !== undefined) {
    steps.push(
      await performed(before, 'attack', async () => {
        await admin.query(before)
        return []
      }),
    )
    if (steps[0]?.observation.kind !== 'rows') return steps
  }
  const [compared, role] =
    reader === 'owner' ? (['=', 'control'] as const) : (['<>', 'attack'] as const)
  const sql = `SELECT tenant_id, note FROM ${table} WHERE tenant_id ${compared} ${literal(who.id)}`
  return [...steps, await performed(sql, role, () => admin.query(sql))]
}

async function leftovers(admin: Session): Promise<readonly Row[]> {
  const found =
    await admin.query(`SELECT n.nspname AS schema, c.relname AS table FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND c.relname IN (${made.map(literal).join(', ')})`)
  for (const row of found) {
    const address = qualified({ schema: String(row['schema']), name: String(row['table']) })
    await admin.query(`DROP TABLE IF EXISTS ${address} CASCADE`)
  }
  return found
}
