import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { packageRoot } from '../../registry.ts'
import { Session } from '../../postgres/session/session.ts'
import { MigrationsOnTrial } from '../../testing/migrations-on-trial.ts'

/** The platform's own migrations, and more. */
function withMigrations(more: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), 'migrations-'))
  onTestFinished(() => {
    rmSync(directory, { recursive: true })
  })
  for (const service of ['management', 'isp']) {
    cpSync(
      join(packageRoot(), 'fixtures', service, 'migrations'),
      join(directory, service, 'migrations'),
      { recursive: true },
    )
  }
  for (const [path, sql] of Object.entries(more)) writeFileSync(join(directory, path), sql)
  return directory
}

const guards = (table: string, columns = '') => `-- guard: ensureTenantColumn(${table})
-- guard: ensureTenantIndexes(${table}${columns})
-- guard: validateTenantIsolation(${table})
`
const rls = 'row-level-security'
const schema = 'schema-per-tenant'

test('the ISP database alone is refused while management is behind; migrating twice does nothing', async () => {
  await using trial = await MigrationsOnTrial.start()
  await expect(trial.migrate(rls, { services: ['isp'] })).rejects.toMatchObject({
    code: 'WATERTIGHT_MIGRATION_ORDER',
  })
  const dry = await trial.migrate(rls, { dryRun: true })
  expect(dry.upgraded.map(({ applied }) => applied)).toEqual([
    ['001.do.platform.sql'],
    ['001.do.platform.sql'],
  ])
  const [nothing] = await trial.management.query("SELECT to_regclass('public.tenants') AS name")
  expect(nothing?.['name']).toBe(null)
  await trial.migrate(rls, { services: ['management'] })
  await trial.migrate(rls, { services: ['isp'] })
  expect((await trial.migrate(rls)).upgraded.map(({ applied }) => applied)).toEqual([[], []])
}, 60_000)

test('a migration that makes a table without guards fails, and nothing of it stays', async () => {
  await using trial = await MigrationsOnTrial.start()
  const file = 'isp/migrations/shared-tables/002.do.vouchers.sql'
  const table =
    'CREATE TABLE public.isp_vouchers (code text, worth numeric, created_at timestamptz DEFAULT now());\n'
  await expect(
    trial.migrate(rls, { directory: withMigrations({ [file]: table }) }),
  ).rejects.toMatchObject({
    code: 'WATERTIGHT_MIGRATION_FAILED',
    message: expect.stringMatching(/isp_vouchers without tenant isolation/) as string,
  })
  const [left] = await trial.isp.query("SELECT to_regclass('public.isp_vouchers') AS name")
  expect(left?.['name']).toBe(null)
  const misspelt = { [file]: `${table}-- guard validateTenantIsolation isp_vouchers\n` }
  await expect(trial.migrate(rls, { directory: withMigrations(misspelt) })).rejects.toMatchObject({
    message: expect.stringMatching(/cannot be read/) as string,
  })
  await trial.migrate(rls, {
    directory: withMigrations({ [file]: table }),
    requireTenantColumn: false,
  })
  await trial.isp.query(
    'DROP TABLE public.isp_vouchers; DELETE FROM dotmac_migrations.schemaversion WHERE version = 2',
  )
  const guarded = withMigrations({ [file]: table + guards('isp_vouchers', ', code') })
  const done = (await trial.migrate(rls, { directory: guarded })).upgraded.find(
    ({ title }) => title === 'isp platform',
  )
  expect(done).toMatchObject({ from: 1, to: 2, applied: ['002.do.vouchers.sql'] })
  expect(done?.guards.map(({ did }) => did[0])).toEqual([
    'added tenant_id',
    'created idx_isp_vouchers_tenant_id (tenant_id)',
    'gave it to dotmac_owner',
  ])
}, 60_000)

test('a file that was changed after it ran is refused, and so is a database ahead of the files', async () => {
  await using trial = await MigrationsOnTrial.start()
  const extra = { 'management/migrations/shared-tables/002.do.nothing.sql': 'SELECT 1;\n' }
  await trial.migrate(rls, { directory: withMigrations(extra) })
  await expect(trial.migrate(rls)).rejects.toMatchObject({ code: 'WATERTIGHT_MIGRATION_NEWER' })
  const changed = { 'management/migrations/shared-tables/002.do.nothing.sql': 'SELECT 2;\n' }
  await expect(trial.migrate(rls, { directory: withMigrations(changed) })).rejects.toMatchObject({
    code: 'WATERTIGHT_MIGRATION_CHANGED',
  })
}, 60_000)

test('a failure in one tenant leaves it at its version and names it; the others go on', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: schema })
  const ids = ['acme', 'globex', 'initech']
  for (const id of ids) await trial.register(id, schema)
  await trial.migrate(schema)
  await trial.isp.query(
    'INSERT INTO tenant_globex.isp_customers (name, email, phone, street, city, postcode, ' +
      "country, status) VALUES ('n', 'e', 'p', 's', 'c', 'p', 'DE', 'active')",
  )
  const directory = withMigrations({
    'isp/migrations/tenant-schema/002.do.no-active.sql': `ALTER TABLE "@schema@".isp_customers
  ADD CONSTRAINT none_active CHECK (status <> 'active');\n`,
  })
  const { failed, upgraded } = await trial.migrate(schema, { directory })
  expect(failed).toEqual([
    { title: 'tenant globex in isp', error: expect.stringMatching(/none_active/) as string },
  ])
  expect(upgraded.filter(({ to }) => to === 2).map(({ title }) => title)).toEqual([
    'tenant acme in isp',
    'tenant initech in isp',
  ])
  await trial.isp.query("UPDATE tenant_globex.isp_customers SET status = 'closed'")
  const again = await trial.migrate(schema, { directory, tenants: ['globex'] })
  expect(
    again.upgraded.filter(({ applied }) => applied.length > 0).map(({ title }) => title),
  ).toEqual(['tenant globex in isp'])
  await expect(trial.migrate(schema, { tenants: ['nobody'] })).rejects.toMatchObject({
    code: 'WATERTIGHT_NO_TENANT',
  })
}, 60_000)

test('a tenant that stays behind in management stays behind in ISP, and is named for both', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: schema })
  for (const id of ['acme', 'globex']) await trial.register(id, schema)
  await trial.migrate(schema)
  await trial.management.query(`CREATE TABLE tenant_globex.in_the_way (a int)`)
  const table =
    'CREATE TABLE "@schema@".in_the_way (a text);\n-- guard: ensureTenantColumn(in_the_way)\n' +
    '-- guard: ensureTenantIndexes(in_the_way)\n-- guard: validateTenantIsolation(in_the_way)\n'
  const directory = withMigrations(
    Object.fromEntries(
      ['management', 'isp'].map((service) => [
        `${service}/migrations/tenant-schema/002.do.more.sql`,
        table,
      ]),
    ),
  )
  const { failed, upgraded } = await trial.migrate(schema, { directory })
  expect(failed.map(({ title }) => title)).toEqual([
    'tenant globex in management',
    'tenant globex in isp',
  ])
  expect(failed[1]?.error).toMatch(/before that of the management database, which is at version 1/)
  expect(upgraded.filter(({ to }) => to === 2).map(({ title }) => title)).toEqual([
    'tenant acme in management',
    'tenant acme in isp',
  ])
  await trial.management.query('DROP TABLE tenant_globex.in_the_way')
  expect((await trial.migrate(schema, { directory, services: ['isp'] })).failed).toHaveLength(1)
  expect((await trial.migrate(schema, { directory, services: ['isp'], to: 1 })).failed).toEqual([])
  expect((await trial.migrate(schema, { directory })).failed).toEqual([])
}, 60_000)

test('a run may stop at a version, which must be one; tenants are chosen only where they have schemas', async () => {
  await using trial = await MigrationsOnTrial.start()
  const file = (service: string) => `${service}/migrations/shared-tables/002.do.nothing.sql`
  const directory = withMigrations({
    [file('management')]: 'SELECT 1;\n',
    [file('isp')]: 'SELECT 1;\n',
  })
  expect((await trial.migrate(rls, { directory, to: 1 })).upgraded.map(({ to }) => to)).toEqual([
    1, 1,
  ])
  await expect(trial.migrate(rls, { directory, services: ['isp'] })).rejects.toMatchObject({
    code: 'WATERTIGHT_MIGRATION_ORDER',
  })
  await expect(
    trial.migrate(rls, { directory, services: ['isp'], dryRun: true }),
  ).rejects.toMatchObject({ code: 'WATERTIGHT_MIGRATION_ORDER' })
  await expect(trial.migrate(rls, { directory, to: 3 })).rejects.toMatchObject({
    code: 'WATERTIGHT_MIGRATION_FILES',
  })
  await expect(trial.migrate(rls, { directory, tenants: ['acme'] })).rejects.toMatchObject({
    code: 'WATERTIGHT_BAD_OPTION',
  })
  expect((await trial.migrate(rls, { directory })).upgraded.map(({ to }) => to)).toEqual([2, 2])
  const late = withMigrations({
    [file('management')]: 'SELECT 1;\n',
    [file('isp')]: 'SELECT 1;\n',
    'isp/migrations/shared-tables/003.do.later.sql': 'SELECT 1;\n',
  })
  await trial.migrate(rls, { directory: late })
  rmSync(join(late, file('isp')))
  await expect(trial.migrate(rls, { directory: late })).rejects.toMatchObject({
    code: 'WATERTIGHT_MIGRATION_CHANGED',
    message: expect.stringMatching(/file is gone/) as string,
  })
}, 60_000)

test('a folder whose name is a pattern is read as it is written', async () => {
  await using trial = await MigrationsOnTrial.start()
  const directory = join(withMigrations({}), 'a [b] {c,d} *! (e)')
  cpSync(join(packageRoot(), 'fixtures'), directory, {
    recursive: true,
    filter: (path) => !path.includes('mutants') && !path.includes('controls'),
  })
  expect((await trial.migrate(rls, { directory })).upgraded.map(({ to }) => to)).toEqual([1, 1])
}, 60_000)

test('two runs at once do not collide: one works, the other waits or is told', async () => {
  await using trial = await MigrationsOnTrial.start()
  const open = (database: string) =>
    Session.connect({ address: trial.server.address, database, pipeline: false })
  await using management = await open('dotmac_management')
  await using isp = await open('dotmac_isp')
  const second = { management, isp }
  const both = await Promise.all([trial.migrate(rls), trial.migrate(rls, { sessions: second })])
  const applied = both.flatMap(({ upgraded }) => upgraded.map((each) => each.applied.length))
  expect(applied.toSorted()).toEqual([0, 0, 1, 1])
  await management.query('SELECT pg_advisory_lock(7234314520340164969)')
  await expect(trial.migrate(rls, { lockWaitMs: 150 })).rejects.toMatchObject({
    code: 'WATERTIGHT_MIGRATION_LOCKED',
  })
}, 60_000)

test('a run whose connection is cut is resumed by the next one', async () => {
  await using trial = await MigrationsOnTrial.start()
  const script = 'CREATE TABLE public.half (a int);\nSELECT pg_sleep(20);\n'
  const slow = { 'isp/migrations/shared-tables/002.do.slow.sql': script }
  const running = trial.migrate(rls, { directory: withMigrations(slow) })
  running.catch(() => undefined)
  await using admin = await Session.connect({ address: trial.server.address, database: 'postgres' })
  const sleeping = "FROM pg_stat_activity WHERE query ~ 'pg_sleep.20' AND pid <> pg_backend_pid()"
  while ((await admin.query(`SELECT 1 ${sleeping}`)).length === 0)
    await admin.query('SELECT pg_sleep(0.02)')
  await admin.query(`SELECT pg_terminate_backend(pid) ${sleeping}`)
  await expect(running).rejects.toMatchObject({ code: 'WATERTIGHT_MIGRATION_FAILED' })
  await using isp = await Session.connect({
    address: trial.server.address,
    database: 'dotmac_isp',
    pipeline: false,
  })
  const { upgraded } = await trial.migrate(rls, { sessions: { management: trial.management, isp } })
  expect(upgraded.map(({ from, to }) => [from, to])).toEqual([
    [1, 1],
    [1, 1],
  ])
  expect((await isp.query("SELECT to_regclass('public.half') AS name"))[0]?.['name']).toBe(null)
}, 60_000)
