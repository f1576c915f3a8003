import { expect, test } from 'vitest'
import { runDrill, type DrillName } from './recovery-drill.ts'

/** One drill asks all of the leak suites; that the others ask what came back is seen by fewer. */
const few = ['reads-foreign-rows', 'row-security-in-force', 'union-of-tenants']

const asked = [
  ['pitr', 'row-level-security'],
  ['tenant', 'row-level-security'],
  ['coordinated', 'schema-per-tenant'],
] as const satisfies readonly (readonly [DrillName, string])[]

test.each(asked)(
  'the %s drill brings every tenant back to the target, and the leak suites find nothing, %s',
  async (name, tenancy) => {
    const all = name === 'pitr'
    const result = await runDrill(name, { tenancy, rows: 40, ...(all ? {} : { probes: few }) })
    const { faults, tenants, rpoSeconds, rtoSeconds, validatedSeconds, suites } = result
    expect(faults).toEqual([])
    expect(tenants).toBe(8)
    expect([rtoSeconds > 0, validatedSeconds > rtoSeconds]).toEqual([true, true])
    const least = all
      ? { probes: 40, cells: 500, cases: 1000 }
      : { probes: 2, cells: 20, cases: 100 }
    expect([
      suites.probes > least.probes,
      suites.cells > least.cells,
      suites.cases > least.cases,
    ]).toEqual([true, true, true])
    // Point in time loses nothing that was committed before the mistake; the others lose what came after the point.
    if (name === 'pitr') expect(rpoSeconds).toBe(0)
    else expect(rpoSeconds).toBeGreaterThan(0)
  },
  180_000,
)

const defects = {
  'row-level-security': 'CREATE POLICY everybody ON isp_customers FOR SELECT USING (true)',
  'schema-per-tenant': `DO $$ DECLARE s name; BEGIN
    FOR s IN SELECT nspname FROM pg_namespace WHERE obj_description(oid, 'pg_namespace') LIKE 'tenant %' LOOP
      EXECUTE format('GRANT USAGE ON SCHEMA %I TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA %1$I TO PUBLIC', s);
    END LOOP; END $$`,
} as const

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'a leak that was there when the backup was taken comes back and is told, %s',
  async (tenancy) => {
    const { faults } = await runDrill('pitr', {
      tenancy,
      rows: 40,
      probes: few,
      defect: defects[tenancy],
    })
    expect(faults.some((fault) => fault.startsWith('isp, reads-foreign-rows: violated'))).toBe(true)
  },
  180_000,
)

test('a row of one tenant that did not come back, and one that changed, are told', async () => {
  const afterRecovery = `DELETE FROM isp_network_links WHERE ctid =
      (SELECT min(ctid) FROM isp_network_links WHERE tenant_id = 'globex-456');
    UPDATE isp_customers SET city = city || '!' WHERE ctid =
      (SELECT min(ctid) FROM isp_customers WHERE tenant_id = 'acme')`
  const { faults } = await runDrill('tenant', { rows: 40, probes: few, afterRecovery })
  expect(faults.map((fault) => fault.split(': ')[0]).sort()).toEqual([
    'Tenant "acme" differs',
    'Tenant "globex-456" differs',
  ])
}, 180_000)
