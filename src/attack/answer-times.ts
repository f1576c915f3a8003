/**
 * Timing as an oracle of existence: keyed reads of another tenant's rows against keyed reads of rows that
 * nobody has, on one connection, in random order. Both return nothing; only their times could tell them apart.
 */

import { ratioOfMedians, uniform, type RatioEstimate } from '../judge/ratio.ts'
import type { Attempt, Step } from '../model/observation.ts'
import type { TenantId } from '../model/tenant.ts'
import type { CellVerdict } from '../model/verdict.ts'
import { identifier, literal } from '../sql/identifier.ts'
import type { Session } from '../postgres/session/session.ts'
import {
  metaOf,
  type Cell,
  type Probe,
  type ProbeMeta,
  type SearchSettings,
} from '../probe/define.ts'
import { cellVerdict } from '../probe/search.ts'
import { Tally } from '../probe/tally.ts'
import { keysOf, type Keys } from './timed-keys.ts'
import { ownedTables } from '../world/targets.ts'
import type { World } from '../world/world.ts'

/** Rounds of one measurement: in each every kind of key is asked once, in random order. */
const rounds = 40
/** Smaller differences are within what one machine differs from itself by. */
const noiseMin = 0.03
/** One statement takes about this long, in ms: a hundred times what a round trip varies by. */
const statementMs = 8

const measurementsMax = 3

type Kind = 'own' | 'foreign' | 'nobody' | 'nobody again'
const kinds: readonly Kind[] = ['own', 'foreign', 'nobody', 'nobody again']

export type TimingProbeDefinition = ProbeMeta

/** Asked only with `timing`; a cell is unknown where not even a tenant's own rows can be told by time. */
export function defineTimingProbe(definition: TimingProbeDefinition): Probe {
  return {
    ...metaOf(definition),
    basis: 'executed',
    exhaustive: true,
    cells: (world, settings) =>
      settings.timing !== true
        ? []
        : ownedTables(world)
            .filter(({ kind }) => kind !== 'partition')
            .map((object): Cell => ({
              object,
              name: object.name,
              path: 'answer times',
              privilege: 'SELECT',
            })),
    search: searchTimes,
  }
}

async function searchTimes(
  world: World,
  cell: Cell,
  settings: SearchSettings,
): Promise<CellVerdict> {
  const tally = new Tally()
  const runs = Math.min(1, settings.runs)
  const conclude = (counterexample: CellVerdict['counterexample']) =>
    cellVerdict({
      cell,
      tally,
      runs,
      privilege: 'granted',
      replaying: settings.replay !== undefined,
      counterexample,
    })
  const keys = runs === 0 ? null : await keysOf(world, cell)
  if (runs === 0 || settings.signal?.aborted === true) return conclude(null)
  if (keys === null) {
    const reason =
      'no key of it is free to be chosen by a tenant, or fewer than two tenants have rows of it'
    return { ...conclude(null), outcome: 'inapplicable', reason }
  }
  const startedMs = performance.now()
  const first = await measureInPeace(world, keys, settings.seed)
  tally.controlsTried += 1
  if (first.own.comparison === 'different') tally.controlsSeen += 1
  tally.addAttempt(first.attempt)
  if (first.foreign.comparison !== 'different') return conclude(null)
  // What was seen once may be the machine's doing: it must be seen again, on another backend.
  const second = await measure(world, keys, settings.seed + 1)
  const isSame =
    second.foreign.comparison === 'different' &&
    second.foreign.ratio > 1 === first.foreign.ratio > 1
  if (!isSame) return conclude(null)
  const ratios = [first, second].map(({ foreign }) => foreign.ratio.toFixed(2)).join(' and ')
  return conclude({
    input: { attacker: keys.attacker, victim: keys.victim },
    steps: second.attempt.steps,
    witness: {
      sentence:
        `Tenant ${keys.attacker} can tell by the time of an answer whether a row of ${keys.victim} exists in ` +
        `${cell.name}: ${ratios} times that of a row that nobody has`,
      rows: [],
      victim: keys.victim,
      command: cell.path,
      severity: 'low',
    },
    replay: { seed: settings.seed, path: '0', replayPath: null },
    shrinks: 0,
    casesToWitness: 1,
    msToWitness: Math.round(performance.now() - startedMs),
    login: world.application,
  })
}

interface Measured {
  /** Times against those of keys that nobody has. */
  readonly own: RatioEstimate
  readonly foreign: RatioEstimate
  readonly attempt: Attempt
}

/** Measures again where the machine was so busy that not even a tenant's own rows took longer. */
async function measureInPeace(world: World, keys: Keys, seed: number): Promise<Measured> {
  for (let tries = 1; ; tries += 1) {
    const measured = await measure(world, keys, seed + 100 * tries)
    if (measured.own.comparison === 'different' || tries === measurementsMax) return measured
  }
}

/** A plan that goes by the key: a tenant that runs statements may choose that, and Memoize would ask only once. */
const plan = [
  'enable_seqscan',
  'enable_bitmapscan',
  'enable_hashjoin',
  'enable_mergejoin',
  'enable_material',
  'enable_memoize',
  'jit',
]
  .map((name) => `SET LOCAL ${name} = off`)
  .join('; ')

async function measure(world: World, keys: Keys, seed: number): Promise<Measured> {
  await using session = await world.connect()
  const tenant = world.tenant(keys.attacker)
  await session.query(`BEGIN; ${plan}`)
  for (const { sql } of world.enter(tenant)) await session.query(sql)
  const values: Record<Kind, readonly string[]> = {
    own: keys.own,
    foreign: keys.foreign,
    nobody: keys.nobody,
    'nobody again': keys.nobodyElse,
  }
  const repeats = await calibrated(session, (count) => statement(keys, values.nobody, count))
  const sqlOf = (kind: Kind) => statement(keys, values[kind], repeats)
  const times = new Map<Kind, number[]>(kinds.map((kind) => [kind, []]))
  const random = uniform(seed)
  // Round -1 warms up.
  for (let round = -1; round < rounds; round += 1) {
    for (const kind of shuffled(kinds, random)) {
      const ms = await timed(session, sqlOf(kind))
      if (round >= 0) times.get(kind)?.push(ms)
    }
  }
  const against = (kind: Kind, noise: number) => {
    const references = times.get('nobody') ?? []
    const pairs = (times.get(kind) ?? []).map((variant, index) => ({
      variant,
      reference: references[index] ?? 0,
    }))
    return ratioOfMedians(pairs, { seed, noise })
  }
  const { interval } = against('nobody again', 0)
  const noise = Math.max(noiseMin, Math.abs(interval.high - 1), Math.abs(interval.low - 1))
  const steps = await stepsOf(session, world, {
    attacker: keys.attacker,
    sqls: [sqlOf('foreign'), sqlOf('nobody')],
  })
  await session.query('ROLLBACK')
  return {
    own: against('own', noise),
    foreign: against('foreign', noise),
    attempt: { steps, backendPid: session.backendPid },
  }
}

interface Shown {
  readonly attacker: TenantId
  readonly sqls: readonly string[]
}

/** What a transcript shows: the two statements whose times differ, and that both see nothing. */
async function stepsOf(
  session: Session,
  world: World,
  { attacker, sqls }: Shown,
): Promise<readonly Step[]> {
  const steps: Step[] = world
    .enter(world.tenant(attacker))
    .map((statement) => ({
      ...statement,
      observation: { kind: 'rows', rows: [], affected: null, truncated: false },
    }))
  for (const sql of sqls) {
    steps.push({
      sql,
      role: 'comparison',
      observation: await session.observe({ sql, role: 'comparison' }),
    })
  }
  return steps
}

async function timed(session: Session, sql: string): Promise<number> {
  const before = process.hrtime.bigint()
  await session.query(sql)
  return Number(process.hrtime.bigint() - before) / 1e6
}

async function calibrated(session: Session, sqlOf: (repeats: number) => string): Promise<number> {
  await timed(session, sqlOf(1))
  let repeats = 1
  for (
    let spent = await timed(session, sqlOf(1));
    spent < statementMs / 2 && repeats < 20_000;
    spent = await timed(session, sqlOf(repeats))
  )
    repeats *= 2
  return repeats
}

/** Each key is looked up for itself: OFFSET 0 keeps the planner from joining instead. */
function statement(
  { address, column, type }: Keys,
  values: readonly string[],
  repeats: number,
): string {
  const list = `ARRAY[${values.map(literal).join(', ')}]::${type}[]`
  return (
    `SELECT count(*) AS n FROM pg_catalog.generate_series(1, ${repeats}) AS r, ` +
    `pg_catalog.unnest(${list}) AS k (v), ` +
    `LATERAL (SELECT 1 FROM ${address} t WHERE t.${identifier(column)} = k.v OFFSET 0) AS found`
  )
}

function shuffled<T>(list: readonly T[], random: () => number): readonly T[] {
  return list
    .map((value) => ({ value, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ value }) => value)
}
