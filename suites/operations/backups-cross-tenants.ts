// A backup outlives every policy, and a restore runs as a superuser: no row security stands between tenants there.

import {
  anyPair,
  anyRowOf,
  backupPaths,
  defineOperationsProbe,
  operationCells,
  ownRowsComeBack,
  tryBackup,
  vacuousAttempt,
  type Pair,
  operationsRig,
} from '../../src/index.ts'

export default defineOperationsProbe<Pair>(
  {
    claim:
      "A tenant's backup holds its own rows alone, and restoring it, forged or not, changes nobody else's",
    source: 'https://www.postgresql.org/docs/current/app-pgdump.html',
    severity: 'critical',
    needs: ['operations'],
    remedy:
      'Filter every statement of backup and restore by the tenant, and prove counts and hashes before the commit',
    cells: (world) => operationCells(world, 'tenant backup', backupPaths),
    inputs: (world) => anyPair(world),
    attempt: async (world, cell, { attacker, victim }) => {
      const rig = await world.companion(operationsRig)
      const path = backupPaths.find((each) => each === cell.path)
      return path === undefined
        ? vacuousAttempt
        : rig.exclusive((directory) =>
            tryBackup(path, {
              world,
              rig,
              directory,
              attacker: world.tenant(attacker),
              victim: world.tenant(victim),
            }),
          )
    },
    judge: (attempt, { attacker }, { cell }) =>
      anyRowOf(attempt, (row, rows) => ({
        sentence:
          cell.path === 'backup'
            ? `The backup of tenant ${attacker} holds ${rows} rows of others, one of ${String(row['tenant_id'])}`
            : `Restoring tenant ${attacker} (${cell.path}) changed rows of ${String(row['tenant_id'])}`,
        victim: String(row['tenant_id']),
        command: cell.path,
      })),
    control: (world, _cell, tenant) =>
      tenant !== world.tenants[0]
        ? null
        : world
            .companion(operationsRig)
            .then((rig) =>
              rig.once('own rows come back', (directory) =>
                ownRowsComeBack({ world, rig, directory, attacker: tenant, victim: tenant }),
              ),
            ),
  },
  { runsMax: 1 },
)
