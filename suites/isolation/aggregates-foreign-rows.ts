// Aggregates give foreign rows away without showing one: counts, lists, groups and windows.

import fc from 'fast-check'
import {
  anyTenantId,
  attackRows,
  cellsOf,
  controlOn,
  count,
  defineProbe,
  foreignRows,
  identifier,
  objectOf,
  ownedTables,
  targetOf,
  type Target,
} from '../../src/index.ts'

const forms = ['count', 'groups', 'list', 'window', 'rollup'] as const
interface Input {
  readonly attacker: string
  readonly form: (typeof forms)[number]
}

export default defineProbe<Input>({
  claim: 'A tenant counts, groups and lists only its own rows',
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'critical',
  needs: ['rows'],
  remedy: 'Let the SELECT policy of {relation} compare tenant_id with the context',
  cells: (world) => cellsOf(ownedTables(world), 'aggregate', 'SELECT'),
  inputs: (world) => fc.record({ attacker: anyTenantId(world), form: fc.constantFrom(...forms) }),
  examples: (world) => world.tenants.map(({ id }): Input => ({ attacker: id, form: 'count' })),
  attempt: (world, cell, { attacker, form }) => {
    const tenant = world.tenant(attacker)
    const target = targetOf(objectOf(cell), tenant)
    const sql = target === null ? 'SELECT 0 AS n' : aggregate(form, target)
    return world.attempt([...world.enter(tenant), { sql, role: 'attack' }])
  },
  judge: (attempt, { attacker, form }, { world, cell }) => {
    const object = objectOf(cell)
    const seen = foreignRows(attempt, {
      world,
      attacker,
      object: cell.name,
      verb: 'reads',
      command: 'aggregate',
      tenantColumn: object.relationOf(world.tenant(attacker))?.tenantColumn ?? null,
    })
    if (seen !== null || form === 'list' || form === 'groups') return seen
    const rows = attackRows(attempt)
    const own = object.rowsOf(attacker)
    const most = Math.max(0, ...rows.map((row) => Number(row['n'])))
    if (own === null || most <= own) return null
    return {
      sentence: `Tenant ${attacker} counts ${count(most, 'row')} in ${cell.name} and owns ${own}`,
      rows: rows.slice(0, 5),
      victim: null,
      command: 'aggregate',
    }
  },
  control: (world, cell, tenant) =>
    controlOn(
      { world, cell },
      tenant,
      ({ address }) => `SELECT count(*) AS n FROM ${address} HAVING count(*) > 0`,
    ),
})

function aggregate(form: Input['form'], { address, columns, tenantColumn }: Target): string {
  const tenant = tenantColumn === null ? 'NULL::text' : identifier(tenantColumn)
  const first = columns.split(', ')[0] ?? '1'
  switch (form) {
    case 'count':
      return `SELECT count(*) AS n FROM ${address}`
    case 'groups':
      return `SELECT ${tenant} AS tenant_id, count(*) AS n FROM ${address} GROUP BY 1`
    case 'list':
      return `SELECT string_agg(${first}::text, ' ') AS list FROM ${address}`
    case 'window':
      return `SELECT count(*) OVER () AS n FROM ${address} LIMIT 1`
    case 'rollup':
      return `SELECT count(*) AS n FROM ${address} GROUP BY GROUPING SETS ((), (${first})) ORDER BY n DESC LIMIT 5`
  }
}
