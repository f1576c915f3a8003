// Rows that come back without their policies, or to another owner, are a leak that starts with the recovery.

import {
  anyPair,
  anyRowOf,
  defineOperationsProbe,
  operationCells,
  ownCustomers,
  readRestored,
  type Pair,
} from '../../src/index.ts'

export default defineOperationsProbe<Pair>(
  {
    claim:
      'After a full restore every tenant has the rows it had, and the same things protect them as before',
    source: 'https://www.postgresql.org/docs/current/app-pgdump.html',
    severity: 'critical',
    needs: ['operations'],
    remedy:
      'Restore into migrated databases, leave row security and grants as they are, and prove counts and hashes',
    cells: (world) => operationCells(world, 'full backup', ['restore']),
    inputs: (world) => anyPair(world),
    attempt: (world, _cell, { attacker, victim }) =>
      readRestored(world, { attacker: world.tenant(attacker), victim: world.tenant(victim) }),
    judge: (attempt, { attacker, victim }, { cell }) =>
      anyRowOf(attempt, (row) => ({
        sentence:
          'object' in row
            ? `A full restore changes more than rows: the ${String(row['object'])}`
            : 'relation' in row
              ? `After a full restore ${attacker} reads a row of ${String(row['tenant_id'])} ` +
                `from ${String(row['relation'])}`
              : `A full restore changed rows of ${String(row['tenant_id'])}`,
        victim: 'tenant_id' in row ? String(row['tenant_id']) : victim,
        command: cell.path,
      })),
    control: (world, _cell, tenant) =>
      world.tenants.slice(0, 3).includes(tenant) ? ownCustomers(world, tenant) : null,
  },
  { runsMax: 4 },
)
