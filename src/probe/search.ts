/**
 * Searches one cell for a counterexample with fast-check. Only a witness fails the property: errors
 * are counted as indeterminate, because a property that also fails on errors shrinks to the error.
 */

import fc from 'fast-check'
import type { Attempt, Witness } from '../model/observation.ts'
import { severities } from '../model/severity.ts'
import type { CellVerdict, Counterexample } from '../model/verdict.ts'
import type { ProbeDefinition, Scene, SearchSettings } from './define.ts'
import { isNobodys } from '../world/targets.ts'
import { Recording } from './observed.ts'
import { concludeCell, Tally } from './tally.ts'

export interface Found {
  readonly input: unknown
  readonly attempt: Attempt
  readonly witness: Witness
}

/** Thrown inside the property and nowhere else. */
class LeakFound extends Error {}

export async function searchCell<Input>(
  definition: ProbeDefinition<Input>,
  scene: Scene,
  settings: SearchSettings,
): Promise<CellVerdict> {
  const { world, cell } = scene
  const tally = new Tally()
  const recording = new Recording(settings.onSearched !== undefined)
  const privilege = await runControls(definition, scene, {
    tally,
    recording,
    controlTenantsMax: settings.controlTenantsMax ?? 16,
  })
  // The coordinates of a counterexample count all fixed inputs, so that a replay needs not know how many were tried.
  const fixed = settings.runs === 0 ? [] : (definition.examples?.(world, cell) ?? [])
  const examples = settings.replay === undefined ? fixed.slice(0, settings.examplesMax) : fixed
  const runs = settings.runs === 0 ? 0 : settings.runs + examples.length
  const search = new CounterexampleSearch(tally, settings.signal)
  const inputs = definition.inputs(world, cell)
  const ahead = new AttemptsAhead((input: Input) => definition.attempt(world, cell, input))
  if (settings.replay === undefined && settings.signal?.aborted !== true && runs > 0) {
    ahead.start([
      ...examples,
      ...fc.sample(inputs, { seed: settings.seed, numRuns: settings.runs }),
    ])
  }
  const property = fc.asyncProperty(inputs, async (input) => {
    await search.try({ input: () => input }, async () => {
      const attempt = await recording.noted(input, ahead.take(input), search.hasFound)
      settings.onCase?.(cell, attempt, input)
      return { attempt, witness: definition.judge(attempt, input, scene) }
    })
  })
  const found =
    runs === 0
      ? null
      : await search.run(property, {
          settings,
          runs,
          examples: examples.map((input): [Input] => [input]),
          login: world.application,
        })
  const counterexample = found === null ? null : countingAll(found, { fixed, examples })
  const asked = { runs, privilege, ...circumstancesOf(scene, settings) }
  settings.onSearched?.({
    ...asked,
    seed: settings.seed,
    fixed: fixed.length,
    examples: examples.length,
    controls: recording.controls,
    cases: recording.cases,
    course: counterexample,
  })
  return cellVerdict({ cell, counterexample, tally, ...asked })
}

function circumstancesOf(
  { world, cell: { object } }: Scene,
  { replay }: SearchSettings,
): { readonly replaying: boolean; readonly ofOneTenant: boolean } {
  return {
    replaying: replay !== undefined,
    ofOneTenant:
      object !== null &&
      (isNobodys(world, object) ||
        world.tenants.filter((tenant) => object.relationOf(tenant) !== null).length < 2),
  }
}

interface Examples {
  readonly fixed: readonly unknown[]
  readonly examples: readonly unknown[]
}

function countingAll(found: Counterexample, { fixed, examples }: Examples): Counterexample {
  const [index, ...shrinking] = found.replay.path.split(':')
  if (Number(index) < examples.length) return found
  const path = [Number(index) - examples.length + fixed.length, ...shrinking].join(':')
  return { ...found, replay: { ...found.replay, path } }
}

/**
 * Attempts are begun before fast-check asks for their inputs, so that they queue on the connection instead of
 * waiting for each other's answers. An input that was not foreseen, as every shrunk one, is attempted when asked.
 */
class AttemptsAhead<Input> {
  readonly #attempt: (input: Input) => Promise<Attempt>
  readonly #begun = new Map<string, Promise<Attempt>>()

  constructor(attempt: (input: Input) => Promise<Attempt>) {
    this.#attempt = attempt
  }

  start(inputs: readonly Input[]): void {
    for (const input of inputs) {
      const key = JSON.stringify(input)
      if (this.#begun.has(key)) continue
      const begun = this.#attempt(input)
      // An error is told to whoever takes the attempt; nobody may.
      begun.catch(() => undefined)
      this.#begun.set(key, begun)
    }
  }

  take(input: Input): Promise<Attempt> {
    const key = JSON.stringify(input)
    const begun = this.#begun.get(key)
    this.#begun.delete(key)
    return begun ?? this.#attempt(input)
  }
}

interface RunOptions<Ts> {
  readonly settings: SearchSettings
  readonly runs: number
  readonly examples: Ts[]
  readonly login: string
}

/** Keeps the last failing execution, which after shrinking is the minimal one. */
export class CounterexampleSearch {
  readonly #tally: Tally
  readonly #signal: AbortSignal | undefined
  readonly #startedMs = performance.now()
  #last: Found | null = null
  #first: { cases: number; ms: number } | null = null

  constructor(tally: Tally, signal?: AbortSignal) {
    this.#tally = tally
    this.#signal = signal
  }

  /** True as soon as there is a witness: what is tried then makes it smaller. */
  get hasFound(): boolean {
    return this.#first !== null
  }

  async try(
    { input }: { readonly input: () => unknown },
    execute: () => Promise<{ attempt: Attempt; witness: Witness | null }>,
  ): Promise<void> {
    // Cases that are not tried any more make the cell unknown, because fewer were tried than asked.
    if (this.#signal?.aborted === true) return
    let seen: { attempt: Attempt; witness: Witness | null }
    try {
      seen = await execute()
    } catch (error) {
      if (this.#first === null) {
        this.#tally.casesTried += 1
        this.#tally.addError(error)
      }
      return
    }
    if (this.#first === null) this.#tally.addAttempt(seen.attempt)
    // Shrinking goes on to what is as grave: else a leak ends as the loss of rows that it also causes.
    if (seen.witness === null || isSlighter(seen.witness, this.#last?.witness)) return
    this.#first ??= {
      cases: this.#tally.casesTried,
      ms: Math.round(performance.now() - this.#startedMs),
    }
    this.#last = { input: input(), attempt: seen.attempt, witness: seen.witness }
    throw new LeakFound(seen.witness.sentence)
  }

  async run<Ts extends [unknown, ...unknown[]]>(
    property: fc.IAsyncPropertyWithHooks<Ts>,
    { settings, runs, examples, login }: RunOptions<Ts>,
  ): Promise<Counterexample | null> {
    const { replay, seed } = settings
    const result = await fc.check(property, {
      seed,
      numRuns: runs,
      examples,
      endOnFailure: settings.endsAtWitness === true,
      ...(replay === undefined ? {} : { path: replay.path, endOnFailure: true }),
    })
    const [found, first] = [this.#last, this.#first]
    if (found === null || first === null) return null
    return {
      input: plain(found.input),
      steps: found.attempt.steps,
      witness: found.witness,
      replay: {
        seed,
        path: result.counterexamplePath ?? replay?.path ?? '0',
        replayPath: replayPathOf(result.counterexample?.[0]),
      },
      shrinks: result.numShrinks,
      casesToWitness: first.cases,
      msToWitness: first.ms,
      login,
    }
  }
}

/** A witness without a severity of its own has that of its probe, the gravest it can show. */
export function isSlighter(witness: Witness, found: Witness | undefined): boolean {
  const rank = ({ severity }: Witness) =>
    severity === undefined ? -1 : severities.indexOf(severity)
  return found !== undefined && rank(witness) > rank(found)
}

/** fc.commands prints the coordinates of its own shrinking; they are found nowhere else. */
function replayPathOf(input: unknown): string | null {
  // Records of fast-check may have no prototype, and then no text either.
  const text =
    typeof (input as { toString?: unknown } | null | undefined)?.toString === 'function'
      ? String(input)
      : ''
  return /replayPath="([^"]*)"/.exec(text)?.[1] ?? null
}

/** An input as the report keeps it. */
export function plain(input: unknown): unknown {
  if (typeof input === 'string') return input.replace(/\/\*replayPath.*\*\//, '').trim()
  return JSON.parse(JSON.stringify(input))
}

interface Controls {
  readonly tally: Tally
  readonly recording: Recording
  readonly controlTenantsMax: number
}

/** All are begun before the first answers; they are over before the attempts, whose locks they might meet. */
async function runControls<Input>(
  definition: ProbeDefinition<Input>,
  { world, cell }: Scene,
  { tally, recording, controlTenantsMax }: Controls,
): Promise<'granted' | 'absent' | 'missing'> {
  const { object } = cell
  const owners = world.tenants
    .filter(
      (tenant) =>
        object === null ||
        object.shared ||
        object.rowsOf(tenant.id) !== 0 ||
        isNobodys(world, object),
    )
    .slice(0, controlTenantsMax)
  const begun = owners.flatMap((tenant) => definition.control(world, cell, tenant) ?? [])
  for (const seen of await Promise.all(begun)) {
    tally.addControl(seen)
    recording.addControl(seen)
  }
  if (begun.length > 0 || owners.length === 0) return 'granted'
  return world.expects(cell) ? 'missing' : 'absent'
}

/** An emptied table is no reason to ask less: its cells stay unknown. */
function hasRows({ object }: Scene['cell']): boolean {
  return (object?.rowsTotal ?? 0) > 0
}

/** A cell that nobody tried: stated as such, never as held. */
export function sparedVerdict({ name, path }: Scene['cell'], reason: string): CellVerdict {
  return {
    object: name,
    path,
    outcome: 'inapplicable',
    reason,
    evidence: new Tally().evidence(0),
    counterexample: null,
    indeterminate: [],
  }
}

export interface CellOutcome {
  readonly cell: Scene['cell']
  readonly counterexample: Counterexample | null
  readonly tally: Tally
  readonly runs: number
  readonly privilege: 'granted' | 'absent' | 'missing'
  /** A replay runs one path, not the whole budget. */
  readonly replaying: boolean
  /** True where no two tenants have the object, or nobody has rows of it: none is foreign. Default false. */
  readonly ofOneTenant?: boolean
}

export function cellVerdict(found: CellOutcome): CellVerdict {
  const { cell, counterexample, tally, runs, privilege, replaying, ofOneTenant = false } = found
  const asked = counterexample === null && !replaying ? runs - tally.casesVacuous : tally.casesTried
  const evidence = tally.evidence(asked)
  const { outcome, reason } =
    counterexample === null
      ? concludeCell(evidence, {
          privilege,
          possible:
            tally.casesTried > 0 || tally.casesVacuous === 0 || (!hasRows(cell) && !ofOneTenant),
        })
      : { outcome: 'violated' as const, reason: counterexample.witness.sentence }
  const isSealed = outcome === 'unknown' && cell.object?.sealed === true
  return {
    object: cell.name,
    path: counterexample?.witness.command ?? cell.path,
    outcome,
    reason: isSealed ? 'its content looks encrypted: nobody can tell whose it is' : reason,
    evidence,
    counterexample,
    indeterminate: tally.kept,
  }
}
