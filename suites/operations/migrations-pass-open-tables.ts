// A migration is the moment at which tables are forgotten: each way of leaving one open is run, guards and all.

import {
  anyPair,
  anyRowOf,
  closedTable,
  defineOperationsProbe,
  openTables,
  operationCells,
  tryMigration,
  vacuousAttempt,
  type Migrating,
  type Pair,
  type World,
  operationsRig,
} from '../../src/index.ts'

function migratingOf(world: World, { attacker, victim }: Pair): Migrating {
  return { world, attacker: world.tenant(attacker), victim: world.tenant(victim) }
}

/** One that is as it should be is asked too: what it was not about must be as it was. */
function migrationsOf(migrating: Migrating) {
  return [closedTable(migrating), ...openTables(migrating)]
}

export default defineOperationsProbe<Pair>(
  {
    claim:
      'A migration that leaves a table open to other tenants fails as a whole, or its guards close the table',
    source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
    severity: 'high',
    needs: ['operations'],
    remedy: 'Run every migration through the guards, and refuse tables that no guard validated',
    cells: (world) => {
      const [attacker, victim] = world.tenants
      return attacker === undefined || victim === undefined
        ? []
        : operationCells(
            world,
            'migration',
            migrationsOf({ world, attacker, victim }).map(({ title }) => title),
          )
    },
    inputs: (world) => anyPair(world),
    attempt: async (world, cell, input) => {
      const rig = await world.companion(operationsRig)
      const migrating = migratingOf(world, input)
      const open = migrationsOf(migrating).find(({ title }) => title === cell.path)
      return open === undefined
        ? vacuousAttempt
        : rig.exclusive(() => tryMigration(migrating, open))
    },
    judge: (attempt, { attacker, victim }, { cell }) =>
      anyRowOf(attempt, (row) => ({
        sentence:
          'object' in row
            ? `A migration changes what it is not about: the ${String(row['object'])}`
            : 'tenant_id' in row
              ? `A migration passes (${cell.path}), and tenant ${attacker} reads a row of ${String(row['tenant_id'])}`
              : `A migration that failed left ${String(row['schema'])}.${String(row['table'])} behind (${cell.path})`,
        victim: 'tenant_id' in row ? String(row['tenant_id']) : victim,
        command: cell.path,
      })),
    // The guards must let a table pass that is closed, or they would only ever say no.
    control: (world, _cell, tenant) => {
      const [first, second] = world.tenants
      if (tenant !== first || second === undefined) return null
      const migrating: Migrating = { world, attacker: second, victim: first }
      return world
        .companion(operationsRig)
        .then((rig) =>
          rig.once('a closed table passes', () =>
            tryMigration(migrating, closedTable(migrating), 'owner'),
          ),
        )
    },
  },
  { runsMax: 1 },
)
