/** The oracle: a mark it misses is a leak that nobody sees, a mark it invents is a leak that never was. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { plantedOwnership } from './planted-marks.ts'
import { planSeed, type PlannedTenant } from '../reference/seed/plan.ts'
import { plantedUuid } from '../reference/seed/planted-uuid.ts'

const seed = 11
const plan = planSeed({ seed, tenants: 40, rows: 100 })
const ownership = plantedOwnership(plan.plannedTenants, { bySchema: false, columns: ['tenant_id'] })
const anyTenant = fc.constantFrom(...plan.plannedTenants)
const anyMark = (tenant: PlannedTenant) =>
  fc.oneof(
    fc.constant(tenant.watermark),
    fc.constant(tenant.watermark.toUpperCase()),
    fc
      .nat(1_000_000)
      .map((row) => plantedUuid({ seed, tag: tenant.tag, table: 'isp_customers' }, row)),
  )
/** Text that cannot lengthen a mark's left neighbour into another candidate. */
const anyText = fc.string({ unit: 'grapheme' }).filter((text) => !/w/i.test(text))

test('a mark is recognised anywhere in a text', () => {
  fc.assert(
    fc.property(
      anyTenant.chain((tenant) => fc.tuple(fc.constant(tenant), anyMark(tenant), anyText, anyText)),
      ([tenant, mark, before, after]) => {
        expect(ownership.ownerOfValue(`${before}${mark}${after}`)).toBe(tenant.id)
      },
    ),
    { seed },
  )
})

test.each([
  ['an object', (mark: string) => ({ note: { deep: [1, null, mark] } })],
  ['a list', (mark: string) => ['nothing', mark]],
  ['JSON text', (mark: string) => JSON.stringify({ note: mark })],
  ['an array literal', (mark: string) => `{x,"${mark}"}`],
  ['a row literal', (mark: string) => `(1,${mark},t)`],
  ['an error', (mark: string) => new Error(`duplicate key value: ${mark}`)],
  [
    'an error detail',
    (mark: string) => Object.assign(new Error('a duplicate'), { detail: `Key (id)=(${mark})` }),
  ],
  ['an error within an object', (mark: string) => ({ cause: new Error(mark) })],
  ['bytes', (mark: string) => Buffer.from(`x ${mark}`)],
  ['an object beside a big integer', (mark: string) => ({ count: 10n, mark })],
  ['a longer word', (mark: string) => `copy_${mark}_2`],
])('a mark is recognised in %s', (_, wrap) => {
  for (const tenant of plan.plannedTenants) {
    for (const mark of [
      tenant.watermark,
      plantedUuid({ seed, tag: tenant.tag, table: 'users' }, 5),
    ]) {
      expect(ownership.ownerOfValue(wrap(mark))).toBe(tenant.id)
    }
  }
})

test('nobody owns random uuids, other texts, numbers, booleans, dates and nothing', () => {
  const anything = fc.oneof(
    fc.uuid({ version: [1, 4, 7] }),
    fc.string(),
    fc.emailAddress(),
    fc.json(),
    fc.integer(),
    fc.boolean(),
    fc.date(),
    fc.constantFrom(null, undefined, 5n, {}, []),
  )
  fc.assert(
    fc.property(anything, (value) => {
      expect(ownership.ownerOfValue(value)).toBe(null)
    }),
    { seed, numRuns: 2_000 },
  )
})

test("a tag alone, or in a uuid of another version or variant, is nobody's", () => {
  const [tenant] = plan.plannedTenants
  const tag = tenant?.tag ?? ''
  for (const text of [
    tag,
    `${tag}-0000-4000-a000-000000000000`,
    `${tag}-0000-8000-b000-000000000000`,
  ]) {
    expect(ownership.ownerOfValue(text)).toBe(null)
  }
  expect(ownership.ownerOfValue(`${tag}-0000-8000-a000-000000000000`)).toBe(tenant?.id)
})

test('every owner in a row is named: by the tenant column, by ids, by watermarks', () => {
  const [first, second, third] = plan.plannedTenants
  if (first === undefined || second === undefined || third === undefined)
    throw new Error('the plan is too small')
  const row = {
    tenant_id: first.id,
    text: `for ${second.watermark} and ${third.watermark}`,
    count: 3,
  }
  expect(ownership.ownersIn(row, { tenantColumn: 'tenant_id' })).toEqual(
    new Set([first.id, second.id, third.id]),
  )
  expect(ownership.ownersIn(row)).toEqual(new Set([second.id, third.id]))
  expect(
    ownership.ownersIn({ tenant_id: 'acme', city: 'Brno' }, { tenantColumn: 'city' }).size,
  ).toBe(0)
})

test('marks that touch each other are all recognised', () => {
  const [first, second] = plan.plannedTenants
  if (first === undefined || second === undefined) throw new Error('the plan is too small')
  const text = `${first.watermark}${plantedUuid({ seed, tag: second.tag, table: 'users' }, 1)}`
  expect(ownership.ownersIn({ text })).toEqual(new Set([first.id, second.id]))
})
