/**
 * Paired blocks on one backend: every round runs a block of each variant in random order, so that
 * drift, caches and noise hit all of them alike.
 */

import { readFileSync } from 'node:fs'
import { quantileSorted } from 'simple-statistics'
import { hrtimeNow } from 'tinybench'
import type { Measurement } from '../model/measurement.ts'
import type { Tenant } from '../model/tenant.ts'
import type { Session } from '../postgres/session.ts'
import { ratioOfMedians, uniform } from './statistics.ts'
import { comparedVariants, plain, referenceVariant, type Variant } from './variants.ts'

export interface TimedQuery {
  readonly title: string
  /** Statement number `n` of a block; rotates rows so that no single one stays cached. */
  sql(variant: Variant, tenant: Tenant, n: number): string
  readonly writes: boolean
}

export interface CompareOptions {
  readonly session: Session
  readonly tenants: readonly Tenant[]
  readonly seed: number
  readonly budgetMs: number
  readonly localBackend: boolean
  readonly gauge: string
  readonly signal?: AbortSignal
}

const blockSize = 10
const roundsMin = 6
/** A variant slower than this times the reference, and slower than slowMs, gets single statements. */
const slowFactor = 20
const slowMs = 15
const cappedRounds = 2

interface Series {
  readonly variant: Variant
  readonly capped: boolean
  readonly firstMs: number
  /** Mean ms per statement of each round, null in rounds it sat out. */
  readonly blocks: (number | null)[]
  readonly cpuNs: (number | null)[]
  readonly samples: number[]
}

export interface Compared {
  readonly measurements: readonly Measurement[]
  readonly failures: readonly string[]
}

/** @throws the driver's error; a variant with other rows than the reference is a failure, not a number. */
export async function compareVariants(query: TimedQuery, options: CompareOptions): Promise<Compared> {
  const endMs = performance.now() + options.budgetMs
  const series: Series[] = []
  const rows = new Map<string, number>()
  for (const variant of [plain, ...comparedVariants]) {
    const first = await tryOnce(query, variant, options)
    rows.set(variant.title, first.rows)
    const capped = first.ms > slowMs && first.ms > (series[0]?.firstMs ?? first.ms) * slowFactor
    series.push({ variant, capped, firstMs: first.ms, blocks: [], cpuNs: [], samples: [] })
  }
  const mismatch = mismatchesOf(rows)
  await runRounds(query, series, { ...options, endMs })
  const [reference, ...compared] = series
  if (reference === undefined)
    return { measurements: [], failures: [`${query.title}: nothing was measured`] }
  return {
    measurements: compared.map((each) => measurementOf(query, { reference, each, mismatch }, options)),
    failures: [...mismatch].map(([title, what]) => `${query.title} of ${title}: ${what}`),
  }
}

async function runRounds(
  query: TimedQuery,
  series: readonly Series[],
  options: CompareOptions & { readonly endMs: number },
): Promise<void> {
  const next = uniform(options.seed)
  for (let round = 0; round < roundsMin || performance.now() < options.endMs; round += 1) {
    if (options.signal?.aborted === true) return
    const order = series.map((each) => ({ each, key: next() })).sort((a, b) => a.key - b.key)
    for (const { each } of order) {
      if (each.capped && round >= cappedRounds) {
        each.blocks.push(null)
        each.cpuNs.push(null)
        continue
      }
      const block = await runBlock(query, each.variant, {
        ...options,
        tenant: tenantAt(options, round),
        size: each.capped ? 1 : blockSize,
        round,
      })
      each.blocks.push(block.ms)
      each.cpuNs.push(block.cpuNs)
      each.samples.push(...block.samples)
    }
  }
}

interface Block extends CompareOptions {
  readonly tenant: Tenant
  readonly size: number
  readonly round: number
}

/** Mean ms per statement; the context and the transaction around writes are outside the timed part. */
async function runBlock(
  query: TimedQuery,
  variant: Variant,
  block: Block,
): Promise<{ ms: number; cpuNs: number | null; samples: number[] }> {
  const { session, tenant, size, round } = block
  await session.query(variant.enter(tenant))
  if (query.writes) await session.query('BEGIN')
  const statements = Array.from({ length: size }, (_, n) =>
    query.sql(variant, tenant, round * blockSize + n),
  )
  const cpuBefore = cpuOf(block)
  const samples: number[] = []
  for (const sql of statements) {
    const startMs = hrtimeNow()
    await session.query(sql)
    samples.push(hrtimeNow() - startMs)
  }
  const cpuAfter = cpuOf(block)
  if (query.writes) await session.query('ROLLBACK')
  const cpuNs = cpuBefore === null || cpuAfter === null ? null : (cpuAfter - cpuBefore) / size
  return { ms: samples.reduce((sum, ms) => sum + ms, 0) / size, cpuNs, samples }
}

/** Nanoseconds on a processor, from the scheduler's own account of the backend. */
function cpuOf({ session, localBackend }: CompareOptions): number | null {
  if (!localBackend || session.backendPid === null) return null
  try {
    return Number(readFileSync(`/proc/${session.backendPid}/schedstat`, 'utf8').split(' ')[0])
  } catch {
    return null
  }
}

/** The warm-up: how long it takes and how many rows it touches, -1 when it fails. */
async function tryOnce(
  query: TimedQuery,
  variant: Variant,
  options: CompareOptions,
): Promise<{ ms: number; rows: number }> {
  const { session } = options
  const tenant = tenantAt(options, 0)
  await session.query(variant.enter(tenant))
  if (query.writes) await session.query('BEGIN')
  const startMs = hrtimeNow()
  const seen = await session.observe({ sql: query.sql(variant, tenant, 0), role: 'proof' })
  const ms = hrtimeNow() - startMs
  if (query.writes) await session.query('ROLLBACK')
  if (seen.kind !== 'rows') return { ms, rows: -1 }
  const [first] = seen.rows
  const counted = first !== undefined && 'count' in first ? Number(first['count']) : null
  return { ms, rows: counted ?? seen.affected ?? seen.rows.length }
}

/** Variants must return as many rows as the reference: one that does not is no faster, it is wrong. */
function mismatchesOf(rows: ReadonlyMap<string, number>): ReadonlyMap<string, string> {
  const expected = rows.get(referenceVariant)
  return new Map(
    [...rows].flatMap(([title, seen]) =>
      seen === expected && seen > 0
        ? []
        : [
            [
              title,
              `${seen === -1 ? 'it failed' : `${seen} rows`} where the explicit WHERE gives ${expected ?? 0}`,
            ],
          ],
    ),
  )
}

/** Mid-sized tenants in turn: neither the biggest nor the smallest speaks for all. */
function tenantAt({ tenants }: CompareOptions, round: number): Tenant {
  const middle = tenants.slice(
    Math.floor(tenants.length / 4),
    Math.max(1, Math.ceil((tenants.length * 3) / 4)),
  )
  const tenant = middle[round % middle.length] ?? tenants[0]
  if (tenant === undefined) throw new Error('there is no tenant to measure')
  return tenant
}

interface Result {
  readonly reference: Series
  readonly each: Series
  readonly mismatch: ReadonlyMap<string, string>
}

function measurementOf(
  query: TimedQuery,
  { reference, each, mismatch }: Result,
  options: CompareOptions,
): Measurement {
  const paired = (pick: (series: Series) => readonly (number | null)[]) =>
    pick(each).flatMap((variant, round) => {
      const base = pick(reference)[round]
      return variant === null || base === null || base === undefined ? [] : [{ variant, reference: base }]
    })
  const pairs = paired(({ blocks }) => blocks)
  const cpuPairs = paired(({ cpuNs }) => cpuNs).filter((pair) => pair.reference > 0)
  const estimate = ratioOfMedians(pairs, options.seed)
  const wrong = mismatch.get(each.variant.title) ?? mismatch.get(referenceVariant) ?? null
  const sorted = each.samples.toSorted((a, b) => a - b)
  const base = reference.samples.toSorted((a, b) => a - b)
  return {
    id: `${query.title}:${each.variant.title}`,
    gauge: options.gauge,
    query: query.title,
    variant: each.variant.title,
    reference: referenceVariant,
    ratio: estimate.ratio,
    interval: estimate.interval,
    comparison: wrong === null ? estimate.comparison : 'cannot tell',
    smallestVisible: estimate.smallestVisible,
    cpuRatio: cpuPairs.length > 2 ? ratioOfMedians(cpuPairs, options.seed).ratio : null,
    pairs: wrong === null ? pairs.length : 0,
    statementsPerBlock: each.capped ? 1 : blockSize,
    latencyMsP50: at(sorted, 0.5),
    latencyMsP95: at(sorted, 0.95),
    referenceLatencyMsP50: at(base, 0.5),
    latencyMsP99: sorted.length >= 3_000 ? at(sorted, 0.99) : null,
    quantilesMs: [0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 1].map(
      (quantile) => [quantile, at(sorted, quantile)] as const,
    ),
    capped: each.capped,
    note: wrong,
  }
}

function at(sorted: readonly number[], quantile: number): number {
  return Math.round(quantileSorted([...sorted], quantile) * 10_000) / 10_000
}
