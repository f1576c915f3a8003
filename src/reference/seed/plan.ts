/** The seed plan: which tenants there are, how big each is. The same options give the same plan. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { tenantNames } from '../../dotmac/tenant-names.ts'
import { isTenantAware, type TableModel } from '../../dotmac/models/model.ts'
import { WatertightError } from '../../errors.ts'
import type { Tenant, TenantId } from '../../model/tenant.ts'
import { packageRoot } from '../../registry.ts'
import { hash32, Random } from './random.ts'
import { words } from './words.ts'

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
/** Size of the first tenant over that of the last: Zipf's law, with the exponent that gives this. */
const skew = 6

/** @throws WatertightError WATERTIGHT_BAD_SETTING for fewer than two tenants or less than one row. */
export function planSeed(options: SeedOptions): SeedPlan {
  assertOptions(options)
  const ids = tenantIds(options.tenants, options.seed)
  const exponent = Math.log(skew) / Math.log(ids.length)
  const sizes = ids.map((_, index) => (index + 1) ** -exponent)
  const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length
  const [tags, watermarks] = [new Set<string>(), new Set<string>()]
  const plannedTenants = ids.map((id, ordinal): PlannedTenant => ({
    id,
    ordinal,
    ...tenantNames(id),
    size: (sizes[ordinal] ?? mean) / mean,
    tag: firstFree(tags, (attempt) => tagOf(`${options.seed} ${attempt} ${id}`)),
    watermark: firstFree(watermarks, (attempt) => watermarkOf(`${options.seed} ${attempt} ${id}`)),
  }))
  return { ...options, plannedTenants }
}

/** Rows of a table for a tenant, the canary included; control tables have one, shared ones belong to nobody. */
export function rowsPlanned(
  plan: SeedPlan,
  table: TableModel,
  { size, tables }: { readonly size: number; readonly tables: readonly TableModel[] },
): number {
  if (!isTenantAware(table)) return 0
  if (table.placement === 'control') return 1
  const weights = tables
    .filter((each) => each.placement === 'tenant')
    .reduce((sum, each) => sum + each.weight, 0)
  return Math.max(1 + ordinaryRowsMin, Math.round((plan.rows * size * table.weight) / weights))
}

function assertOptions({ seed, tenants, rows }: SeedOptions): void {
  const refuse = (sentence: string, hint: string): never => {
    throw new WatertightError('WATERTIGHT_BAD_SETTING', sentence, { hint })
  }
  if (!Number.isInteger(seed)) refuse(`${seed} is no seed`, 'Use --seed with an integer')
  if (!Number.isInteger(tenants) || tenants < 2) {
    refuse(`${tenants} tenants cannot show anything about isolation`, 'Use --tenants 2 or more')
  }
  if (!Number.isInteger(rows) || rows < 1)
    refuse(`${rows} rows cannot be seeded`, 'Use --rows 1 or more')
}

/** Hostile names first, so that few tenants already hold the nastiest; then ordinary companies without end. */
function tenantIds(count: number, seed: number): readonly TenantId[] {
  const hostile = JSON.parse(
    readFileSync(join(packageRoot(), 'fixtures', 'tenants.json'), 'utf8'),
  ) as TenantId[]
  const random = new Random(hash32(`tenants ${seed}`))
  return Array.from(
    { length: count },
    (_, ordinal) =>
      hostile[ordinal] ??
      `${random.pick(words.company)}-${random.pick(words.suffix)}-${1_000 + ordinal}`,
  )
}

/** Hashes again for the rare tenant whose mark another one has. */
function firstFree(used: Set<string>, markOf: (attempt: number) => string): string {
  for (let attempt = 0; ; attempt += 1) {
    const mark = markOf(attempt)
    if (used.has(mark)) continue
    used.add(mark)
    return mark
  }
}

/** Never the repeated digit of the ids that people write by hand. */
function tagOf(text: string): string {
  const tag = hash32(`tag ${text}`).toString(16).padStart(8, '0')
  return /^(.)\1*$/.test(tag) ? tagOf(`${text} again`) : tag
}

/** `w` and nine digits of base 32: 45 bits, so that no ordinary text looks like one. */
function watermarkOf(text: string): string {
  const digits = [1, 2].map((lane) =>
    hash32(`watermark ${text}`, lane).toString(32).padStart(7, '0'),
  )
  return `w${digits.join('').slice(-9)}`
}
