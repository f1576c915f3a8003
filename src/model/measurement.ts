/** Numbers with unit and spread, and what the plans say about them. */

/** Three honest answers to "is it slower?". */
export type Comparison = 'different' | 'no difference shown' | 'cannot tell'

export interface Interval {
  readonly low: number
  readonly high: number
  /** Between 0 and 1, e.g. 0.95. */
  readonly level: number
}

/** A ratio of two variants measured interleaved in one run on one backend. */
export interface Measurement {
  readonly id: string
  /** Gauge file that produced it. */
  readonly gauge: string
  /** point read | list page | count | insert | update */
  readonly query: string
  readonly variant: string
  readonly reference: string
  /** Ratio variant / reference of wall time; above 1 means slower. */
  readonly ratio: number
  readonly interval: Interval
  readonly comparison: Comparison
  /** Smallest difference this measurement could have shown, as a fraction. */
  readonly smallestVisible: number
  /** Ratio of the backend's CPU time, null where /proc is not available. */
  readonly cpuRatio: number | null
  readonly pairs: number
  readonly statementsPerBlock: number
  readonly latencyMsP50: number
  readonly latencyMsP95: number
  readonly referenceLatencyMsP50: number
  /** p99 needs thousands of samples or is not given. */
  readonly latencyMsP99: number | null
  /** Latencies at the quantiles 0, .1, .25, .5, .75, .9, .95, .99, 1 in ms. */
  readonly quantilesMs: readonly (readonly [quantile: number, ms: number])[]
  /** True when the variant was so slow that it got a handful of samples only. */
  readonly capped: boolean
  readonly note: string | null
}

export type PredicatePlacement = 'index condition' | 'filter' | 'one-time filter' | 'none'

/** How one statement is planned: where the tenant predicate lands, and which index serves it. */
export interface PlanCheck {
  readonly id: string
  readonly query: string
  readonly variant: string
  readonly relation: string
  /** Index the seed's strategy intends; null when any tenant-leading index will do. */
  readonly expectedIndex: string | null
  readonly usedIndexes: readonly string[]
  readonly placement: PredicatePlacement
  /** Rows read and thrown away by filters. */
  readonly rowsRemoved: number
  readonly partitionsTotal: number | null
  readonly partitionsScanned: number | null
  readonly outcome: 'holds' | 'violated' | 'unknown'
  readonly reason: string
  /** EXPLAIN text, at most 4,000 characters. */
  readonly text: string
}
