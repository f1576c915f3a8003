/**
 * Paired blocks on one backend: every round runs a block of each variant in random order, so that
 * drift, caches and noise hit all of them alike. Two backends, or one variant after the other, would
 * show differences that are none.
 */

import { calibrateTimerOverhead, hrtimeNow, hrtimeNowTimestampProvider } from 'tinybench'
import { messageOf } from '../errors.ts'
import type { Measurement } from '../model/measurement.ts'
import type { Tenant } from '../model/tenant.ts'
import type { Session } from '../postgres/session/session.ts'
import { samplerOf, type Block, type Sampler, type TimedQuery } from './sampler.ts'
import { pairsMin, uniform } from '../judge/ratio.ts'
import { measurementsOf, type Series } from './measurements.ts'
import { againOf, type Variant } from './variant.ts'

export interface CompareOptions {
  readonly session: Session
  readonly tenants: readonly Tenant[]
  readonly seed: number
  /** Rounds end when it is over; slow variants may exceed it by a few statements. */
  readonly budgetMs: number
  readonly localBackend: boolean
  /** Id of the gauge, for the ids of the measurements. */
  readonly gauge: string
  readonly signal?: AbortSignal | undefined
  /** What the others are compared with; it is measured twice. */
  readonly reference: Variant
  readonly others: readonly Variant[]
}

export interface Compared {
  readonly measurements: readonly Measurement[]
  /** Variants that failed, or answered with other rows than the reference, each with what it did. */
  readonly failures: readonly string[]
}

const blockSizeDefault = 10
/** Fewer pairs than this are wasted work, more than this change no answer. */
const roundsMax = 2_000
/** A statement of a block lasts at least so many readings of the clock. */
const clockReadingsMin = 10
/** A block of fast variants is not made longer than this: rounds are worth more than long blocks. */
const blockMsMax = 40
/** Slower than this times the reference, and than slowMs, a variant gets single statements, a handful of them. */
const slowFactor = 20
const slowMs = 8
const cappedSamples = { min: 2, max: 10 }
const cappedMsMax = 1_500
/** Share of the budget that a slow variant may eat. */
const cappedShare = 0.2

/** A variant while it is measured. */
interface Running extends Series {
  readonly sampler: Sampler
  readonly blocks: (Block | null)[]
  spentMs: number
  failure: string | null
}

/** Never throws for a variant: one that fails, or that answers with other rows, is a failure by name. */
export async function compareVariants(
  query: TimedQuery,
  options: CompareOptions,
): Promise<Compared> {
  const endMs = hrtimeNow() + options.budgetMs
  const warm = await warmUp(query, options)
  const all = runningOf(query, warm, options)
  await runRounds(all, { ...options, endMs })
  return measurementsOf(query.title, all, options)
}

interface Warm {
  readonly variant: Variant
  /** Wall time of a statement in ms, null when it failed. */
  readonly ms: number | null
  readonly failure: string | null
}

/** Fills the caches of the server, and tells how long the blocks may be. */
async function warmUp(query: TimedQuery, options: CompareOptions): Promise<readonly Warm[]> {
  const warm: Warm[] = []
  for (const variant of [options.reference, againOf(options.reference), ...options.others]) {
    try {
      const tenant = tenantAt(options, 0)
      const once = await samplerOf(query, variant, { ...options, size: 1 })(tenant, 0)
      const block =
        once.ms > slowMs * slowFactor
          ? once
          : await samplerOf(query, variant, { ...options, size: blockSizeDefault })(tenant, 0)
      warm.push({
        variant,
        ms: block.samples[Math.floor(block.samples.length / 2)] ?? once.ms,
        failure: null,
      })
    } catch (error) {
      warm.push({ variant, ms: null, failure: messageOf(error) })
    }
  }
  return warm
}

function runningOf(
  query: TimedQuery,
  warm: readonly Warm[],
  options: CompareOptions,
): readonly Running[] {
  const referenceMs = warm[0]?.ms ?? 0
  const isSlow = ({ ms }: Warm) => ms !== null && ms > slowMs && ms > referenceMs * slowFactor
  const size = blockSizeFor(
    warm.flatMap((each) => (each.ms === null || isSlow(each) ? [] : [each.ms])),
  )
  return warm.map((each) => {
    const capped = isSlow(each)
    const sampler = samplerOf(query, each.variant, { ...options, size: capped ? 1 : size })
    return {
      variant: each.variant,
      capped,
      size: capped ? 1 : size,
      sampler,
      blocks: [],
      spentMs: 0,
      failure: each.failure,
    }
  })
}

/** About ten statements: more where the clock is coarse, fewer where they are long. */
export function blockSizeFor(statementMs: readonly number[]): number {
  const [fastest, slowest] = [Math.min(...statementMs), Math.max(...statementMs)]
  if (!(fastest > 0 && fastest < Infinity && slowest < Infinity)) return blockSizeDefault
  const clockMs = calibrateTimerOverhead(hrtimeNowTimestampProvider)
  const needed = Math.ceil((clockReadingsMin * clockMs) / fastest)
  return Math.max(1, needed, Math.min(blockSizeDefault, Math.floor(blockMsMax / slowest)))
}

async function runRounds(
  all: readonly Running[],
  options: CompareOptions & { readonly endMs: number },
): Promise<void> {
  const next = uniform(options.seed)
  for (let round = 0; round < roundsMax; round += 1) {
    if (options.signal?.aborted === true) return
    if (round >= pairsMin && hrtimeNow() > options.endMs) return
    const order = all.map((each) => ({ each, key: next() })).sort((a, b) => a.key - b.key)
    for (const { each } of order) each.blocks.push(await blockOf(each, round, options))
    if (all[0]?.failure !== null) return
  }
}

/** Null in the rounds that a variant sits out. */
async function blockOf(
  each: Running,
  round: number,
  options: CompareOptions,
): Promise<Block | null> {
  if (each.failure !== null || (each.capped && isSpent(each, options))) return null
  const startMs = hrtimeNow()
  try {
    return await each.sampler(tenantAt(options, round), round * blockSizeDefault)
  } catch (error) {
    each.failure = messageOf(error)
    return null
  } finally {
    each.spentMs += hrtimeNow() - startMs
  }
}

function isSpent({ blocks, spentMs }: Running, { budgetMs }: CompareOptions): boolean {
  const taken = blocks.filter((block) => block !== null).length
  const limitMs = Math.min(cappedMsMax, budgetMs * cappedShare)
  return taken >= cappedSamples.max || (taken >= cappedSamples.min && spentMs >= limitMs)
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
