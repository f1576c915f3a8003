import { expect, test, vi } from 'vitest'
import { checkPlatform } from '../../reference/platform/platform-health.ts'
import { MigrationsOnTrial } from '../../testing/migrations-on-trial.ts'
import { platformTarget } from '../../reference/platform/platform-target.ts'
import { runAuditList, runAuditPartitions } from './run-audit.ts'
import { runMetrics } from './run-metrics.ts'

test('a tenant without tables is named and stops no command for others; one that lost them is undecided', async () => {
  await using trial = await MigrationsOnTrial.start()
  for (const id of ['acme', 'globex', 'half']) {
    await trial.migrate('schema-per-tenant')
    await trial.register(id, 'schema-per-tenant')
  }
  const { user = '', password = '', host, port } = trial.server.address
  const dsn = (login: string) =>
    `postgres://${login}@/postgres?host=${encodeURIComponent(host)}&port=${port}`
  const flags = { target: dsn(`${user}:${encodeURIComponent(password)}`), mode: 'schema' }
  const told: string[] = []
  vi.spyOn(console, 'log').mockImplementation((text: string) => {
    told.push(text)
  })
  vi.spyOn(console, 'error').mockImplementation((text: string) => {
    told.push(text)
  })
  vi.spyOn(process.stdout, 'write').mockImplementation(() => true)
  const commands = [
    () => runAuditList({ limit: '10' }, flags),
    () => runAuditPartitions({ ahead: '1' }, flags),
    () => runMetrics({}, flags),
  ]
  for (const [status, code] of [
    ['provisioning', 0],
    ['active', 3],
  ] as const) {
    await trial.management.query(
      `UPDATE dotmac_control.tenants SET status = '${status}' WHERE tenant_id = 'half'`,
    )
    for (const command of commands) {
      told.length = 0
      expect(await command()).toBe(code)
      expect(told.join('\n')).toContain(
        `the tenant "half" (${status}) lacks tables in the schema tenant_half of isp`,
      )
    }
    const health = await checkPlatform(platformTarget(flags), {
      app: platformTarget({ target: dsn('dotmac_app:app') }).address,
      tenants: 4,
    })
    expect(health.tenants).toMatchObject({
      known: 3,
      asked: 2,
      without: [{ tenant: 'half' }, { tenant: 'half' }],
    })
    const unjudged = Object.values(health.services).flatMap(({ checks }) =>
      checks.flatMap((check) => check.unjudged),
    )
    expect(unjudged.length).toBe(status === 'active' ? 2 : 0)
  }
  const partitions = await trial.isp
    .query(`SELECT 1 FROM pg_class WHERE relname LIKE 'audit_tenant_access_y%'
    AND relkind = 'r'`)
  expect(partitions).toHaveLength(4)
}, 60_000)
