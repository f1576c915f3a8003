/** The seed plan: which tenants there are, how big each is. Pure; the same options give the same plan. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tenantNames } from '../dotmac/tenant-names.ts'
import { isTenantAware, type TableModel } from '../dotmac/models/model.ts'
import { WatertightError } from '../errors.ts'
import type { Tenant } from '../model/tenant.ts'
import { packageRoot } from '../registry.ts'
import { hash32, Random } from './random.ts'

export interface SeedOptions {
  /** 32-bit integer; the same seed gives the same bytes. */
  readonly seed: number
  /** Number of tenants, at least 2. */
  readonly tenants: number
  /** Rows of an average tenant over all tables of one database, at least 1. */
  readonly rows: number
}

export interface PlannedTenant extends Tenant {
  /** Relative size; the mean over all tenants is 1. */
  readonly size: number
}

export interface SeedPlan extends SeedOptions {
  readonly plannedTenants: readonly PlannedTenant[]
}

/** Every table of every tenant has its canary and at least this many other rows. */
const ordinaryRowsMin = 2

/** @throws WatertightError WATERTIGHT_BAD_SETTING for fewer than two tenants. */
export function planSeed(options: SeedOptions): SeedPlan {
  if (!Number.isInteger(options.tenants) || options.tenants < 2) {
    throw new WatertightError('WATERTIGHT_BAD_SETTING',
      `${options.tenants} tenants cannot show anything about isolation`, { hint: 'Use --tenants 2 or more' })
  }
  const names = tenantIds(options.tenants, options.seed)
  const sizes = names.map((_, index) => 1 / Math.sqrt(index + 1))
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length
  const used = new Set<string>()
  const plannedTenants = names.map((id, ordinal): PlannedTenant => ({
    id, ordinal, ...tenantNames(id), tag: uniqueTag(id, options.seed, used),
    watermark: watermarkOf(id, options.seed), size: (sizes[ordinal] ?? 1) / mean,
  }))
  return { ...options, plannedTenants }
}

/** Rows of a table for a tenant, the canary included; control tables have one. */
export function rowsPlanned(plan: SeedPlan, table: TableModel, { size, tables }: {
  readonly size: number; readonly tables: readonly TableModel[]
}): number {
  if (!isTenantAware(table)) return 0
  if (table.placement === 'control') return 1
  const weights = tables.filter((each) => each.placement === 'tenant').reduce((sum, each) => sum + each.weight, 0)
  return 1 + Math.max(ordinaryRowsMin, Math.round((plan.rows * size * table.weight) / weights))
}

function tenantIds(count: number, seed: number): readonly string[] {
  const fixed = JSON.parse(readFileSync(join(packageRoot(), 'fixtures', 'tenants.json'), 'utf8')) as string[]
  const ids = new Set(fixed.slice(0, count))
  const random = new Random(hash32(`tenants ${seed}`))
  const [first, second] = [['fiber', 'north', 'metro', 'river', 'alpine', 'coast', 'prairie', 'summit'],
    ['net', 'link', 'wave', 'connect', 'telecom', 'broadband', 'wireless', 'cable']]
  while (ids.size < count) ids.add(`${random.pick(first)}-${random.pick(second)}-${random.below(9000) + 1000}`)
  return [...ids]
}

function uniqueTag(id: string, seed: number, used: Set<string>): string {
  for (let attempt = 0; ; attempt += 1) {
    const tag = hash32(`tag ${seed} ${attempt} ${id}`).toString(16).padStart(8, '0')
    if (used.has(tag) || tag === '00000000' || tag === '11111111') continue
    used.add(tag)
    return tag
  }
}

/** `w` and nine digits of base 32: 45 bits, so that no ordinary text looks like one. */
function watermarkOf(id: string, seed: number): string {
  const bits = [hash32(`watermark a ${seed} ${id}`), hash32(`watermark b ${seed} ${id}`)]
  return `w${bits.map((part) => part.toString(32).padStart(7, '0')).join('').slice(-9)}`
}
