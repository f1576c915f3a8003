import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, expectTypeOf, onTestFinished, test } from 'vitest'
import { packageRoot } from '../../registry.ts'
import { MigrationsOnTrial } from '../../testing/migrations-on-trial.ts'
import {
  columnsOf,
  indexesOf,
  ispModel,
  managementModel,
  migrationSql,
  plainModel,
  type RowOf,
  type TableOptions,
} from '../index.ts'

const vouchers = ispModel('isp_vouchers', {
  references: [{ column: 'customer_id', table: 'isp_customers', notNull: false }],
  hashPartitions: 3,
  indexes: [
    { columns: ['code', 'created_at'] },
    { columns: ['Kind of "it"', 'number'], unique: true },
  ],
  columns: [
    { name: 'code', type: 'varchar(40)', unique: true },
    { name: 'Kind of "it"', type: 'text', indexed: true, notNull: false },
    { name: 'number', type: 'bigint', default: "nextval('isp_voucher_seq')" },
  ],
})
const uses = ispModel('isp_voucher_uses', {
  references: [{ column: 'voucher_id', table: 'isp_vouchers' }],
  privileges: ['SELECT', 'INSERT'],
  columns: [],
})
const notices = managementModel('notices', { columns: [{ name: 'text', type: 'text' }] })

test("a model of one's own gives columns, indexes under the seed's names, and the type of its rows", () => {
  expect(indexesOf(vouchers).map(({ name }) => name)).toEqual(
    [
      'tenant_id',
      'tenant_created',
      'tenant_updated',
      'tenant_active',
      'tenant_customer_id',
      'tenant_Kind of "it"',
      'tenant_code_unique',
      'tenant_code_created_at',
      'tenant_Kind of "it"_number_unique',
    ].map((suffix) => `idx_isp_vouchers_${suffix}`),
  )
  expect(columnsOf(notices).map(({ name }) => name)).toEqual([
    'id',
    'tenant_id',
    'created_at',
    'updated_at',
    'is_active',
    'deleted_at',
    'created_by',
    'updated_by',
    'text',
  ])
  expectTypeOf<RowOf<typeof vouchers>['code']>().toEqualTypeOf<string>()
  expectTypeOf<RowOf<typeof vouchers>['customer_id']>().toEqualTypeOf<string | null>()
  expectTypeOf<RowOf<typeof notices>['deleted_at']>().toEqualTypeOf<string | null>()
  expectTypeOf<RowOf<typeof uses>>().not.toHaveProperty('code')
})

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'its migration makes tables that the guards find complete, isolated and dated, %s',
  async (tenancy) => {
    await using trial = await MigrationsOnTrial.start({ migrated: tenancy })
    for (const id of ['acme', "o'hara"]) await trial.register(id, tenancy)
    const directory = withFiles(
      tenancy === 'row-level-security' ? 'shared-tables' : 'tenant-schema',
      {
        'isp/002.do.vouchers.sql': migrationSql([vouchers], { tenancy }),
        'isp/003.do.uses.sql': migrationSql([uses], { tenancy, beside: [vouchers] }),
        'management/002.do.notices.sql': migrationSql([notices], { tenancy }),
      },
    )
    const { upgraded, failed } = await trial.migrate(tenancy, { directory })
    expect(failed).toEqual([])
    const guarded = upgraded.flatMap(({ guards }) => guards.map(({ table, did }) => [table, did]))
    expect(guarded).toEqual([])
    const shared = tenancy === 'row-level-security'
    const [schema, other] = shared ? ['public', 'public'] : await schemasOf(trial)
    const names = await trial.isp.query(`SELECT c.relname AS name FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = '${schema ?? ''}' AND c.relkind IN ('i', 'I')
      AND c.relname ~ '^idx_isp_vouchers' AND NOT c.relispartition`)
    expect(names.map(({ name }) => name).toSorted()).toEqual(
      indexesOf(vouchers)
        .map(({ name }) => name)
        .toSorted(),
    )
    const [unique] = await trial.isp.query(`SELECT pg_get_indexdef(c.oid) AS is FROM pg_class c
      JOIN pg_namespace n ON n.oid = relnamespace WHERE n.nspname = '${schema ?? ''}' AND relname ~ '"_number_unique$'`)
    expect(unique?.['is']).toMatch(
      shared
        ? /UNIQUE .*\(tenant_id, "Kind of ""it""", number\)$/
        : /UNIQUE .*\("Kind of ""it""", number\)$/,
    )
    const partitions = await trial.isp.query(
      `SELECT 1 FROM pg_class WHERE relname ~ '^isp_vouchers_p\\d$'`,
    )
    expect(partitions.length).toBe(shared ? 3 : 0)
    const enter = (tenant: string, role: string) =>
      shared
        ? `SET LOCAL ROLE dotmac_app; SELECT set_config('app.current_tenant_id', '${tenant}', true);`
        : `SET LOCAL ROLE "${role}"; SET LOCAL search_path = "${role.slice(0, -5)}";`
    const mine = enter('acme', `${schema ?? ''}_role`)
    await trial.isp
      .query(`BEGIN; ${mine} INSERT INTO isp_vouchers (tenant_id, code) VALUES ('acme', 'A');
      INSERT INTO isp_voucher_uses (tenant_id, voucher_id) SELECT 'acme', id FROM isp_vouchers; COMMIT`)
    const [row] = await trial.isp.query(`BEGIN; SET LOCAL session_replication_role = origin; ${mine}
      UPDATE isp_vouchers SET code = 'B' RETURNING updated_at = now() AS kept, number`)
    expect(row).toEqual({ kept: 't', number: '1' })
    await trial.isp.query('ROLLBACK')
    const [seen] = await trial.isp.query(`BEGIN; ${enter("o''hara", `${other ?? ''}_role`)}
      SELECT count(*) AS n FROM isp_vouchers`)
    expect(seen).toEqual({ n: '0' })
    await trial.isp.query('ROLLBACK')
    await expect(
      trial.isp.query(`BEGIN; ${mine} DELETE FROM isp_voucher_uses`),
    ).rejects.toMatchObject({ code: '42501' })
    await trial.isp.query('ROLLBACK')
  },
  90_000,
)

const column = { name: 'a', type: 'text' } as const
const long = 'x'.repeat(60)

test.each<[string, string, TableOptions & { mixin?: 'audit' | 'none' }, RegExp]>([
  ['a table name that is cut', long, { columns: [column] }, /longer than 63 bytes/],
  [
    'an index name that is cut',
    't',
    { columns: [{ ...column, name: long, indexed: true }] },
    /idx_t_tenant_x+ is longer/,
  ],
  ['a name of many bytes', 'ü'.repeat(32), { columns: [] }, /longer than 63 bytes/],
  ['no name', '', { columns: [] }, /is no name/],
  [
    'a column of the mixin',
    't',
    { columns: [{ ...column, name: 'tenant_id' }] },
    /the column tenant_id twice/,
  ],
  [
    'an index of the mixin',
    't',
    { columns: [{ ...column, name: 'created', indexed: true }] },
    /idx_t_tenant_created twice/,
  ],
  [
    'an index like a key',
    't',
    {
      columns: [
        { ...column, unique: true },
        { ...column, name: 'a_unique', indexed: true },
      ],
    },
    /idx_t_tenant_a_unique twice/,
  ],
  [
    'a foreign key like that to the tenant',
    't',
    { columns: [], references: [{ column: 'tenant', table: 'x' }] },
    /fk_t_tenant twice/,
  ],
  ['no partition', 't', { columns: [], hashPartitions: 0 }, /0 is no number of partitions/],
  ['half a partition', 't', { columns: [], hashPartitions: 1.5 }, /1.5 is no number/],
  ['shared rows of tenants', 't', { columns: [column], placement: 'shared' }, /no tenant_id/],
  ['rows of tenants without a tenant', 't', { columns: [column], mixin: 'none' }, /has no id/],
  [
    'an index of nothing',
    't',
    { columns: [column], indexes: [{ columns: [] }] },
    /index of \(\) cannot be made/,
  ],
  [
    'an index of another column',
    't',
    { columns: [column], indexes: [{ columns: ['a', 'b'] }] },
    /of \(a, b\)/,
  ],
  [
    'an index of one column twice',
    't',
    { columns: [column], indexes: [{ columns: ['a', 'a'] }] },
    /of \(a, a\)/,
  ],
  [
    'an index that names the tenant',
    't',
    { columns: [column], indexes: [{ columns: ['tenant_id', 'a'] }] },
    /of \(tenant_id, a\)/,
  ],
  [
    'a composite like an index',
    't',
    { columns: [{ ...column, indexed: true }], indexes: [{ columns: ['a'] }] },
    /idx_t_tenant_a twice/,
  ],
  [
    'an index of reference data',
    't',
    { columns: [column], placement: 'shared', mixin: 'none', indexes: [{ columns: ['a'] }] },
    /of \(a\)/,
  ],
  ['no privilege', 't', { columns: [], privileges: [] }, /nobody may do anything/],
])('%s is refused when the model is declared', (_, name, options, sentence) => {
  const { mixin } = options
  const declare = () =>
    mixin === undefined ? ispModel(name, options) : plainModel('isp', name, { ...options, mixin })
  expect(declare).toThrow(
    expect.objectContaining({
      code: 'WATERTIGHT_MODEL',
      message: expect.stringMatching(sentence) as string,
    }),
  )
})

test('no migration is made of references to nothing, of two services, or of a table that is there', () => {
  const bad = [
    [uses],
    [vouchers, notices],
    [],
    [vouchers, vouchers],
    [ispModel('isp_customers', { columns: [] })],
  ]
  for (const models of bad) {
    expect(() => migrationSql(models, { tenancy: 'row-level-security' })).toThrow(
      expect.objectContaining({ code: 'WATERTIGHT_MODEL' }),
    )
  }
})

async function schemasOf(trial: MigrationsOnTrial): Promise<readonly string[]> {
  const rows = await trial.management.query(
    'SELECT schema_name FROM dotmac_control.tenants ORDER BY tenant_id',
  )
  return rows.map((row) => String(row['schema_name']))
}

/** The platform's own migrations, and these; each is <service>/<file>. */
function withFiles(folder: string, files: Readonly<Record<string, string>>): string {
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
  for (const [path, sql] of Object.entries(files)) {
    const [service = '', file = ''] = path.split('/')
    writeFileSync(join(directory, service, 'migrations', folder, file), sql)
  }
  return directory
}
