/** The oracle stands on these rows: each must say whose it is, refer to its own tenant only, and never change. */

import { expect, test } from 'vitest'
import { tablesOf } from '../../dotmac/models/index.ts'
import { columnsOf, isTenantAware, type TableModel } from '../../dotmac/models/model.ts'
import { services } from '../../model/tenancy.ts'
import { plantedOwnership } from '../../world/planted-marks.ts'
import { planSeed, type PlannedTenant, type SeedPlan } from './plan.ts'
import { canaryText, sharedRows, tenantRows } from './rows.ts'

const plan = planSeed({ seed: 42, tenants: 14, rows: 300 })
const ownership = plantedOwnership(plan.plannedTenants, { bySchema: false, columns: ['tenant_id'] })

interface Seeded {
  readonly table: TableModel
  readonly tenant: PlannedTenant
  readonly rows: readonly Readonly<Record<string, string | null>>[]
}

/** Every tenant's rows of every table of both databases. */
function seeded(of: SeedPlan = plan): readonly Seeded[] {
  return services.flatMap((service) => {
    const tables = tablesOf(service)
    return tables.filter(isTenantAware).flatMap((table) =>
      of.plannedTenants.map((tenant): Seeded => {
        const names = columnsOf(table).map((column) => column.name)
        const rows = [...tenantRows(table, { plan: of, tables, tenant })].map((values) =>
          Object.fromEntries(values.map((value, index) => [names[index] ?? '', value])),
        )
        return { table, tenant, rows }
      }),
    )
  })
}

const world = seeded()

test('the same seed gives the same rows, another seed gives other ids', () => {
  expect(seeded(planSeed({ seed: 42, tenants: 14, rows: 300 }))).toEqual(world)
  const before = new Set(world.flatMap(({ rows }) => rows.map((row) => row['id'])))
  const other = seeded(planSeed({ seed: 43, tenants: 14, rows: 300 }))
  const after = other.flatMap(({ rows }) => rows.map((row) => row['id']))
  expect(after.filter((id) => before.has(id))).toEqual([])
})

test('every row names its owner by its id, and nothing in it names anybody else', () => {
  for (const { table, tenant, rows } of world) {
    for (const row of rows) {
      expect(row['tenant_id']).toBe(tenant.id)
      expect(ownership.ownerOfValue(row['id']), `${table.name} ${row['id'] ?? ''}`).toBe(tenant.id)
      expect([...ownership.ownersIn(row)], table.name).toEqual([tenant.id])
    }
  }
})

test('every natural key and every sentence carries the watermark', () => {
  const marked = new Set<unknown>([
    'email',
    'hostname',
    'serial',
    'sentence',
    'person',
    'company',
    'json',
  ])
  for (const { table, tenant, rows } of world) {
    for (const column of columnsOf(table).filter(({ fill }) => marked.has(fill))) {
      for (const row of rows) {
        const value = row[column.name] ?? null
        if (value !== null || column.notNull !== false)
          expect(value, column.name).toContain(tenant.watermark)
      }
    }
  }
})

test('foreign keys lead to a row of the same tenant, never to a canary', () => {
  let followed = 0
  for (const { table, tenant, rows } of world) {
    for (const { column, table: name } of table.references) {
      const parent = world.find(
        (each) =>
          each.table.name === name &&
          each.table.service === table.service &&
          each.tenant === tenant,
      )
      const ordinary = new Set(parent?.rows.slice(1).map((row) => row['id']))
      for (const row of rows) {
        followed += 1
        expect(ordinary.has(row[column]), `${table.name}.${column}`).toBe(true)
      }
    }
  }
  expect(followed).toBeGreaterThan(1_000)
})

test('the canary of each table of each tenant is its first row, and its text occurs nowhere else', () => {
  const texts = world.map(({ table, tenant, rows: [first] }) => {
    const text = canaryText(tenant, table)
    const holders = Object.values(first ?? {}).filter((value) => value?.includes(text))
    expect(holders.length, `${table.service} ${table.name}`).toBeGreaterThan(0)
    return `${table.service} ${text}`
  })
  expect(new Set(texts).size).toBe(texts.length)
  const ordinary = world.flatMap(({ rows, table }) =>
    table.placement === 'control' ? [] : rows.slice(1),
  )
  expect(
    ordinary.filter((row) => Object.values(row).some((value) => value?.includes('canary-'))),
  ).toEqual([])
})

test('columns that are unique per tenant are, ids are in the whole database, and NOT NULL columns are filled', () => {
  for (const { table, rows } of world) {
    for (const column of columnsOf(table)) {
      const values = rows.map((row) => row[column.name] ?? null)
      if (column.unique === true || column.name === 'id')
        expect(new Set(values).size).toBe(values.length)
      if (column.notNull !== false)
        expect(values, `${table.name}.${column.name}`).not.toContain(null)
    }
  }
  for (const service of services) {
    const ids = world.flatMap(({ table, rows }) =>
      table.service === service ? rows.map((row) => row['id']) : [],
    )
    expect(new Set(ids).size).toBe(ids.length)
  }
})

test('nothing is updated before it is created, finished before it is started, or later than the epoch', () => {
  const last = new Date('2026-01-01T00:00:00Z').toISOString()
  const first = new Date('2024-01-01T00:00:00Z').toISOString()
  for (const { table, rows } of world) {
    const times = columnsOf(table)
      .filter(({ type }) => type.startsWith('timestamp'))
      .map(({ name }) => name)
    for (const row of rows) {
      const told = times.flatMap((name) => row[name] ?? [])
      expect(told, table.name).toEqual(told.toSorted())
      for (const time of told) expect(time >= first && time < last, time).toBe(true)
    }
  }
})

test('nullable columns hold values and nulls', () => {
  const customers = world.filter(({ table }) => table.name === 'isp_customers')
  const notes = customers.flatMap(({ rows }) => rows.map((row) => row['notes']))
  const share = notes.filter((value) => value === null).length / notes.length
  expect(share).toBeGreaterThan(0.1)
  expect(share).toBeLessThan(0.3)
})

test('reference data has a row per code and nobody owns it', () => {
  for (const table of services
    .flatMap((service) => tablesOf(service))
    .filter((each) => each.placement === 'shared')) {
    const rows = [...sharedRows(table, plan)]
    const fill = table.columns[0]?.fill
    expect(rows.map(([code]) => code)).toEqual(typeof fill === 'object' ? fill.oneOf : null)
    expect(rows.flat().filter((value) => ownership.ownerOfValue(value) !== null)).toEqual([])
  }
})
