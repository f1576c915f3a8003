/** A plan decides whom a run can catch: the nastiest names must be in it, told apart, and always the same. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { tablesOf } from '../../dotmac/models/index.ts'
import { WatertightError } from '../../errors.ts'
import { planSeed, rowsPlanned } from './plan.ts'

const plan = planSeed({ seed: 7, tenants: 300, rows: 400 })
const ids = plan.plannedTenants.map((tenant) => tenant.id)

test('the same options give the same plan, another seed gives other marks', () => {
  expect(planSeed({ seed: 7, tenants: 300, rows: 400 })).toEqual(plan)
  const other = planSeed({ seed: 8, tenants: 300, rows: 400 }).plannedTenants
  const tags = new Set(plan.plannedTenants.map((tenant) => tenant.tag))
  const watermarks = new Set(plan.plannedTenants.map((tenant) => tenant.watermark))
  expect(
    other.filter((tenant) => tags.has(tenant.tag) || watermarks.has(tenant.watermark)),
  ).toEqual([])
})

test('the first two tenants are always the same two', () => {
  expect(
    planSeed({ seed: 1, tenants: 2, rows: 1 }).plannedTenants.map((tenant) => tenant.id),
  ).toEqual(['acme-corp-123', 'globex-456'])
})

test.each([
  'acme_corp_123',
  'acme-corp_123',
  'ACME-CORP-123',
  'acme-corp-1234',
  'acme',
  `o'brien "net"`,
  `x'; DROP TABLE isp_customers; --`,
  'acme, tenant_globex_456',
  '%',
  '_',
  'public',
  'pg_catalog',
  'user',
  'select',
  '<img src=x onerror=alert(1)>',
  '007',
  '7',
])('the hostile name %j is a tenant', (id) => {
  expect(ids).toContain(id)
})

test('names that normalise alike, are long, share 63 bytes, hold backslashes, emoji or RTL are tenants', () => {
  const distinct = new Set(ids)
  expect(ids.some((id) => id !== id.normalize('NFC') && distinct.has(id.normalize('NFC')))).toBe(
    true,
  )
  expect(ids.some((id) => id.length === 200)).toBe(true)
  const long = ids.map((id) => Buffer.from(id)).filter((id) => id.length > 63)
  const heads = long.map((id) => id.subarray(0, 63).toString())
  expect(new Set(heads).size).toBeLessThan(heads.length)
  for (const part of ['\\', '</script>', '\u{1f680}', '\u202e']) {
    expect(
      ids.some((id) => id.includes(part)),
      part,
    ).toBe(true)
  }
})

test('the default number of tenants already holds twins by case, normalisation, prefix, quotes and SQL', () => {
  const few = planSeed({ seed: 1, tenants: 12, rows: 400 }).plannedTenants.map(
    (tenant) => tenant.id,
  )
  expect(few).toEqual(
    expect.arrayContaining([
      'acme_corp_123',
      'ACME-CORP-123',
      'acme',
      `o'brien "net"`,
      `x'; DROP TABLE isp_customers; --`,
    ]),
  )
  expect(new Set(few.map((id) => id.normalize('NFC'))).size).toBeLessThan(few.length)
})

test('ids, tags, watermarks, schemas and roles of 5,000 tenants are distinct and well formed', () => {
  const tenants = planSeed({ seed: 3, tenants: 5_000, rows: 1 }).plannedTenants
  for (const key of ['id', 'tag', 'watermark', 'schema', 'role'] as const) {
    expect(new Set(tenants.map((tenant) => tenant[key])).size, key).toBe(5_000)
  }
  expect(tenants.filter(({ tag }) => !/^[0-9a-f]{8}$/.test(tag))).toEqual([])
  expect(tenants.filter(({ watermark }) => !/^w[0-9a-v]{9}$/.test(watermark))).toEqual([])
  expect(tenants.map((tenant) => tenant.ordinal)).toEqual(tenants.map((_, index) => index))
})

test('tenants whose tags would meet get other ones: no two of 200,000 share a tag', () => {
  // 32 bits and 200,000 tenants: more than four pairs meet by chance.
  const tags = planSeed({ seed: 3, tenants: 200_000, rows: 1 }).plannedTenants.map(
    (tenant) => tenant.tag,
  )
  expect(new Set(tags).size).toBe(tags.length)
}, 20_000)

test('the fixture lists each name once', () => {
  const fixture = JSON.parse(
    readFileSync(new URL('../../../fixtures/tenants.json', import.meta.url), 'utf8'),
  ) as string[]
  expect(fixture.filter((id, index) => fixture.indexOf(id) !== index)).toEqual([])
  expect(ids.slice(0, fixture.length)).toEqual(fixture)
})

test.each([2, 12, 300])(
  'sizes of %i tenants are skewed five- to eightfold around the rows asked for',
  (tenants) => {
    const sized = planSeed({ seed: 1, tenants, rows: 10_000 })
    const tables = tablesOf('isp').filter((table) => table.placement === 'tenant')
    const totals = sized.plannedTenants.map(({ size }) =>
      tables.reduce((sum, table) => sum + rowsPlanned(sized, table, { size, tables }), 0),
    )
    expect(Math.max(...totals) / Math.min(...totals)).toBeGreaterThan(5)
    expect(Math.max(...totals) / Math.min(...totals)).toBeLessThan(8)
    const mean = totals.reduce((sum, total) => sum + total, 0) / tenants
    expect(Math.abs(mean - 10_000)).toBeLessThan(50)
  },
)

test('however few rows are asked for, every tenant table has a canary and two other rows', () => {
  const small = planSeed({ seed: 1, tenants: 40, rows: 1 })
  for (const service of ['isp', 'management'] as const) {
    const tables = tablesOf(service)
    const counts = small.plannedTenants.flatMap(({ size }) =>
      tables
        .filter((table) => table.placement === 'tenant')
        .map((table) => rowsPlanned(small, table, { size, tables })),
    )
    expect(Math.min(...counts)).toBe(3)
  }
})

test.each([
  { seed: 1, tenants: 1, rows: 10 },
  { seed: 1, tenants: 2.5, rows: 10 },
  { seed: 1, tenants: 3, rows: 0 },
  { seed: Number.NaN, tenants: 3, rows: 10 },
])('%j is refused', (options) => {
  expect(() => planSeed(options)).toThrow(WatertightError)
})
