import { expect, test } from 'vitest'
import { readConfiguration, type Variables } from './configuration.ts'

test("without variables the seed's defaults stand, and nothing of them can be changed", () => {
  const configuration = readConfiguration({})
  expect(configuration).toEqual({
    enableRls: true,
    requireTenantColumn: true,
    enableAuditTriggers: true,
    tenantIsolationStrict: true,
    auditTenantAccess: true,
    pool: {
      poolSize: 20,
      maxOverflow: 50,
      poolTimeout: 30,
      poolRecycle: 3_600,
      tenantPoolPerTenant: 5,
      tenantConnectionTimeout: 10,
    },
  })
  expect(Object.isFrozen(configuration) && Object.isFrozen(configuration.pool)).toBe(true)
})

test.each([
  ['ENABLE_RLS', 'enableRls'],
  ['REQUIRE_TENANT_COLUMN', 'requireTenantColumn'],
  ['ENABLE_AUDIT_TRIGGERS', 'enableAuditTriggers'],
  ['TENANT_ISOLATION_STRICT', 'tenantIsolationStrict'],
  ['AUDIT_TENANT_ACCESS', 'auditTenantAccess'],
] as const)('%s switches off what it says, and nothing else', (name, key) => {
  expect(readConfiguration({ [name]: 'false' })).toEqual({ ...readConfiguration({}), [key]: false })
})

test("the seed's production values are read", () => {
  const { pool } = readConfiguration({
    DB_POOL_SIZE: '50',
    DB_MAX_OVERFLOW: '100',
    DB_POOL_TIMEOUT: '30',
  })
  expect(pool).toMatchObject({ poolSize: 50, maxOverflow: 100, poolTimeout: 30 })
})

test.each([
  ['DB_POOL_SIZE', 5],
  ['DB_POOL_SIZE', null],
  ['ENABLE_RLS', false],
  ['ENABLE_RLS', null],
  ['DB_POOL_SIZE', '0'],
  ['DB_POOL_SIZE', '-1'],
  ['DB_POOL_SIZE', '2.5'],
  ['DB_POOL_SIZE', 'many'],
  ['DB_POOL_SIZE', ''],
  ['DB_MAX_OVERFLOW', '1e3'],
  ['DB_POOL_TIMEOUT', '99999'],
  ['ENABLE_RLS', 'maybe'],
  ['AUDIT_TENANT_ACCESS', ''],
])('%s=%j is refused by name', (name, value) => {
  expect(() => readConfiguration({ [name]: value } as Variables)).toThrow(
    expect.objectContaining({
      code: 'WATERTIGHT_BAD_VARIABLE',
      message: expect.stringContaining(name) as string,
    }),
  )
})

test('what is no set of variables is refused instead of taken for the defaults', () => {
  for (const nothing of [null, undefined, 'DB_POOL_SIZE=5']) {
    expect(() => readConfiguration(nothing as never)).toThrow(
      expect.objectContaining({ code: 'WATERTIGHT_BAD_VARIABLE' }),
    )
  }
})
