import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { packageRoot } from '../../registry.ts'
import type { TenancyName } from '../../model/tenancy.ts'
import { MigrationsOnTrial } from '../../testing/migrations-on-trial.ts'

const guards = (table: string) =>
  ['ensureTenantColumn', 'ensureTenantIndexes', 'validateTenantIsolation']
    .map((guard) => `-- guard: ${guard}(${table})\n`)
    .join('')

/** SQL that makes a table, and what the error must call it; @here@ is the schema of the tenants' tables. */
const ways: readonly (readonly [string, RegExp])[] = [
  ['CREATE TABLE @here@.made AS SELECT * FROM @here@.isp_customers;', /the table made without/],
  ['SELECT * INTO @here@.made FROM @here@.isp_customers;', /SELECT ... INTO is not implemented/],
  ['CREATE TABLE @here@.made (LIKE @here@.isp_customers INCLUDING ALL);', /the table made without/],
  [
    "DO $$ BEGIN EXECUTE 'CREATE UNLOGGED TABLE @here@.made (a int)'; END $$;",
    /the table made without/,
  ],
  ['CREATE TABLE @here@."Strange-""name""" (a int);', /the table "Strange-""name""" without/],
  ['CREATE TABLE @here@.made () INHERITS (@here@.isp_customers);', /the table made without/],
  ['CREATE SCHEMA elsewhere CREATE TABLE made (a int);', /the table elsewhere.made without/],
  [
    `CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.isp_customers (a int);
${guards('isp_customers')}`,
    /the table elsewhere.isp_customers without/,
  ],
  ['CREATE TABLE @here@.made (tenant_id text);\n-- guard: sharedTable(made)\n', /it has tenant_id/],
]
const onlyShared: typeof ways = [
  [
    `ALTER TABLE public.isp_analytics_usage DETACH PARTITION public.isp_analytics_usage_p0;`,
    /the table isp_analytics_usage_p0 without/,
  ],
  [
    `CREATE TABLE public.made (tenant_id text) PARTITION BY LIST (tenant_id);
    CREATE TABLE public.part PARTITION OF public.made DEFAULT;`,
    /the table made without/,
  ],
  [
    `ALTER TABLE public.isp_analytics_usage DETACH PARTITION public.isp_analytics_usage_p0;
    DROP TABLE public.isp_analytics_usage_p0; CREATE TABLE public.again PARTITION OF public.isp_analytics_usage
    FOR VALUES WITH (MODULUS 4, REMAINDER 0); GRANT SELECT ON public.again TO dotmac_app;`,
    /the table again without/,
  ],
]

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'whatever way a migration makes a table, without guards it fails and nothing stays, %s',
  async (tenancy) => {
    await using trial = await MigrationsOnTrial.start({ migrated: tenancy })
    await trial.register('acme', tenancy)
    await trial.migrate(tenancy)
    const [count] = await trial.isp.query('SELECT count(*) AS n FROM pg_class')
    const own = tenancy === 'row-level-security' ? 'public' : 'tenant_acme'
    for (const [sql, sentence] of tenancy === 'row-level-security'
      ? [...ways, ...onlyShared]
      : ways) {
      const error = await errorOf(trial, tenancy, sql.replaceAll('@here@', own))
      expect(error, sql).toMatch(sentence)
    }
    expect(await trial.isp.query('SELECT count(*) AS n FROM pg_class')).toEqual([count])
  },
  120_000,
)

test('a guard line may quote and qualify its names, and then the table passes', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: 'row-level-security' })
  const sql = `CREATE TABLE public."Strange-""name""" ("Kind of" text);
-- guard: ensureTenantColumn("Strange-""name""")
-- guard: ensureTenantIndexes("public"."Strange-""name""", "Kind of")
-- guard: validateTenantIsolation(PUBLIC."Strange-""name""")\n`
  expect(await errorOf(trial, 'row-level-security', sql)).toBe(null)
  const [index] = await trial.isp.query(
    `SELECT indexdef FROM pg_indexes WHERE indexdef ~ 'Kind of'`,
  )
  expect(index?.['indexdef']).toMatch(/\(tenant_id, "Kind of"\)$/)
}, 60_000)

test('a file that begins with a byte order mark runs', async () => {
  await using trial = await MigrationsOnTrial.start()
  expect(await errorOf(trial, 'row-level-security', '\uFEFFCREATE VIEW plain AS SELECT 1;')).toBe(
    null,
  )
  expect(await trial.isp.query("SELECT 1 FROM pg_views WHERE viewname = 'plain'")).toHaveLength(1)
}, 60_000)

test('a migration cannot end its transaction, and what it sets ends with it', async () => {
  await using trial = await MigrationsOnTrial.start()
  const tenancy = 'schema-per-tenant'
  await trial.migrate(tenancy)
  for (const id of ['acme', 'globex']) await trial.register(id, tenancy)
  await trial.migrate(tenancy)
  for (const end of ['COMMIT', 'ROLLBACK', 'COMMIT; BEGIN', 'END', 'ROLLBACK; BEGIN']) {
    const sql = `CREATE TABLE "@schema@".half (a int); ${end}; CREATE TABLE "@schema@".rest (a int);\n`
    expect([end, await errorOf(trial, tenancy, sql)]).toEqual([
      end,
      expect.stringMatching(/stays as it was/),
    ])
  }
  const left = "SELECT count(*) AS n FROM pg_class WHERE relname IN ('half', 'rest')"
  expect(await trial.isp.query(left)).toEqual([{ n: '0' }])
  const bound = () =>
    trial.isp.query("SELECT current_user AS who, current_setting('search_path') AS path")
  const before = await bound()
  const sets =
    'SET search_path = "@schema@"; SET ROLE "@owner@"; ALTER TABLE isp_services ADD COLUMN late int;\n'
  expect(await errorOf(trial, tenancy, sets)).toBe(null)
  expect(await bound()).toEqual(before)
  expect(
    await trial.isp.query("SELECT count(*) AS n FROM pg_attribute WHERE attname = 'late'"),
  ).toEqual([{ n: '2' }])
}, 60_000)

/** What migrating to this as version 2 of the tenants' tables is refused with; null when it is not. */
async function errorOf(
  trial: MigrationsOnTrial,
  tenancy: TenancyName,
  sql: string,
): Promise<string | null> {
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
  const folder = tenancy === 'row-level-security' ? 'shared-tables' : 'tenant-schema'
  writeFileSync(join(directory, 'isp', 'migrations', folder, '002.do.more.sql'), sql)
  try {
    const { failed } = await trial.migrate(tenancy, { directory })
    return failed[0]?.error ?? null
  } catch (error) {
    return String((error as Error).message)
  }
}
