// A green light over an open door is worse than none: each door is opened, read through, and health is asked.

import {
  anyPair,
  anyRowOf,
  defineOperationsProbe,
  doorsOf,
  healthyPlatform,
  operationCells,
  tryDoor,
  vacuousAttempt,
  type Pair,
} from '../../src/index.ts'

export default defineOperationsProbe<Pair>(
  {
    claim: 'Health is not green while the application can read rows of another tenant',
    source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
    severity: 'high',
    needs: ['operations'],
    remedy:
      'Let health try statements of two tenants as the application, on everything that it may read',
    cells: (world) => {
      const [attacker, victim] = world.tenants
      return attacker === undefined || victim === undefined
        ? []
        : operationCells(
            world,
            'health',
            doorsOf({ world, attacker, victim }).map(({ title }) => title),
          )
    },
    inputs: (world) => anyPair(world),
    attempt: (world, cell, { attacker, victim }) => {
      const scene = { world, attacker: world.tenant(attacker), victim: world.tenant(victim) }
      const door = doorsOf(scene).find(({ title }) => title === cell.path)
      return door === undefined ? Promise.resolve(vacuousAttempt) : tryDoor(scene, door)
    },
    judge: (attempt, { attacker }, { cell }) =>
      anyRowOf(attempt, (row) => ({
        sentence: `Health is green while tenant ${attacker} reads a row of ${String(row['tenant_id'])} (${cell.path})`,
        victim: String(row['tenant_id']),
        command: cell.path,
      })),
    control: (world, _cell, tenant) => {
      const [first, second] = world.tenants
      return tenant !== first || second === undefined
        ? null
        : healthyPlatform({ world, attacker: first, victim: second })
    },
  },
  { runsMax: 1 },
)
