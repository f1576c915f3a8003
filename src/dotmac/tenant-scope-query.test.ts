import { expect, test } from 'vitest'
import { tablesOf } from './models/index.ts'
import type { TableModel } from './models/model.ts'
import { tenantScopeQuery, type Selection } from './tenant-scope-query.ts'

const customers = tablesOf('isp').find(({ name }) => name === 'isp_customers') as TableModel

test.each([undefined, null, '', ' ', 7, ['acme'], { id: 'acme' }, 'a\u0000', 'a\ud800'])(
  'no scope without a tenant that is one: %j',
  (tenant) => {
    expect(() => tenantScopeQuery(customers, tenant as string)).toThrow(
      expect.objectContaining({ code: 'WATERTIGHT_TENANT_NAME' }),
    )
  },
)

test('values are parameters behind the tenant, whatever they are', () => {
  const hostile = "x' OR '1'='1"
  const { text, values } = tenantScopeQuery(customers, 'acme').select({
    where: { city: hostile, email: null },
  })
  expect(text).toContain('WHERE tenant_id = $1 AND "city" = $2 AND "email" IS NULL ')
  expect(values).toEqual(['acme', hostile])
  expect(tenantScopeQuery(customers, "o'brien --").delete('1')).toEqual({
    text: 'DELETE FROM "isp_customers" WHERE tenant_id = $1 AND id = $2 RETURNING id',
    values: ["o'brien --", '1'],
  })
})

test.each([
  { where: { 'city" = city OR "city': 1 } },
  { where: { tenant: 1 } },
  { orderBy: 'id; DROP TABLE x' },
  { columns: ['*'] },
  { columns: [] },
  { where: { city: undefined } },
  { columns: ['constructor'] },
] as unknown as Selection[])(
  'a name that is no column, and a value that is none, are refused: %j',
  (selection) => {
    expect(() => tenantScopeQuery(customers, 'acme').select(selection)).toThrow(
      expect.objectContaining({ code: 'WATERTIGHT_NO_COLUMN' }),
    )
  },
)

test('nothing moves a row to another tenant', () => {
  const scope = tenantScopeQuery(customers, 'acme')
  const row = { tenant_id: 'globex', id: '2', city: 'here' }
  expect(scope.insert(row).values).toEqual(['acme', '2', 'here'])
  expect(scope.update('1', row).values).toEqual(['acme', '1', 'here'])
  expect(() => scope.update('1', { tenant_id: 'globex', id: '2' })).toThrow(
    expect.objectContaining({ code: 'WATERTIGHT_NO_COLUMN' }),
  )
})

test.each([0, -1, 1_001, 2.5, Number.NaN, '10; DROP TABLE x'])(
  'a limit of %j is refused',
  (limit) => {
    expect(() => tenantScopeQuery(customers, 'acme').select({ limit: limit as number })).toThrow(
      expect.objectContaining({ code: 'WATERTIGHT_BAD_LIMIT' }),
    )
  },
)
