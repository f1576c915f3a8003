/** Context probes: strategies over real poolers, by command sequences or by interleaved requests. */

import fc from 'fast-check'
import type { CellVerdict } from '../model/verdict.ts'
import {
  metaOf,
  type Cell,
  type Probe,
  type ProbeMeta,
  type SearchSettings,
} from '../probe/define.ts'
import type { PoolerRig } from './pooler.ts'
import {
  anyInterleaving,
  interleave,
  knownInterleavings,
  type Interleaving,
} from './interleaving.ts'
import { anyCommand, knownSequences } from './request-commands.ts'
import { lookAtUsed } from './leftover-acts.ts'
import { RequestRun, WitnessSeen } from './request-run.ts'
import type { RequestCommand, RequestModel } from './request-steps.ts'
import { sharedScene, type RunScene } from './run-scene.ts'
import { poolerRigs, spanListener, strategiesFor } from './tools.ts'
import { cellVerdict, CounterexampleSearch } from '../probe/search.ts'
import { Tally } from '../probe/tally.ts'
import type { World } from '../world/world.ts'

const commandsMax = 16
/** Most random steps are impossible where they stand, so short searches would show nothing. */
const sequencesMin = 12

export interface ContextProbeDefinition extends ProbeMeta {
  readonly pooler: PoolerRig['kind']
  /** `commands`: sequences of single steps. `interleaving`: whole requests run concurrently. */
  readonly form: 'commands' | 'interleaving'
}

/** One cell per strategy and pooler of the kind; without a pooler there is nothing to ask. */
export function defineContextProbe(definition: ContextProbeDefinition): Probe {
  const casesOf = (world: World, settings: SearchSettings) =>
    (settings.tools?.get(poolerRigs) ?? [])
      .filter((rig) => rig.kind === definition.pooler)
      .flatMap((rig) => strategiesFor(world, rig, settings).map((strategy) => ({ rig, strategy })))
  return {
    ...metaOf({ ...definition, judgedWorldsOnly: true }),
    basis: 'executed',
    cells: (world, settings) =>
      casesOf(world, settings).map(({ rig, strategy }): Cell => ({
        object: null,
        name: strategy.title,
        path: `${rig.title}, ${definition.form}`,
      })),
    search: async (world, cell, settings) => {
      const found = casesOf(world, settings).find(
        ({ rig, strategy }) =>
          strategy.title === cell.name && `${rig.title}, ${definition.form}` === cell.path,
      )
      if (found === undefined)
        throw new Error(`no pooler serves the cell ${cell.name}, ${cell.path}`)
      await using shared = sharedScene(world)
      const scene: RunScene = {
        world,
        ...found,
        tally: new Tally({ countsSteps: false }),
        ...shared,
        low: { counts: false, seen: false },
      }
      const search = { cell, settings, form: definition.form }
      const verdict = await searchContext(scene, search)
      if (verdict.outcome === 'violated' || !scene.low.seen) return verdict
      // Nothing serious: the same search again, in which slight witnesses count.
      scene.low.counts = true
      // Awaited: the interrupter ends with this scope.
      const again = await searchContext(
        { ...scene, tally: new Tally({ countsSteps: false }) },
        search,
      )
      // What the first search could not answer is not answered by a second one that met it no more.
      return again.outcome === 'holds' ? verdict : again
    },
  }
}

interface ContextSearch {
  readonly cell: Cell
  readonly settings: SearchSettings
  readonly form: ContextProbeDefinition['form']
}

async function searchContext(
  scene: RunScene,
  { cell, settings, form }: ContextSearch,
): Promise<CellVerdict> {
  const { tally } = scene
  const search = new CounterexampleSearch(tally, settings.signal)
  const known =
    form === 'commands' ? knownSequences(scene).length : knownInterleavings(scene.world).length
  // Each known sequence is a fault of its own, so a short search takes all of them or none.
  const examplesMax = settings.examplesMax === 0 ? 0 : known
  const random = Math.max(sequencesMin, settings.runs - examplesMax)
  const asked = settings.runs === 0 ? 0 : random + examplesMax
  const options = { settings, runs: asked, login: scene.world.application }
  const counterexample =
    asked === 0
      ? null
      : form === 'commands'
        ? await search.run(commandsProperty(scene, search, settings), {
            ...options,
            examples: knownSequences(scene)
              .slice(0, examplesMax)
              .map((each): [Iterable<RequestCommand>] => [each]),
          })
        : await search.run(interleavingProperty(scene, search, settings), {
            ...options,
            examples: knownInterleavings(scene.world)
              .slice(0, examplesMax)
              .map((each): [Interleaving] => [each]),
          })
  return cellVerdict({
    cell,
    counterexample,
    tally,
    runs: asked,
    privilege: 'granted',
    replaying: settings.replay !== undefined,
  })
}

function commandsProperty(scene: RunScene, search: CounterexampleSearch, settings: SearchSettings) {
  const replayPath = settings.replay?.replayPath ?? null
  const commands = [...anyCommand(scene)]
  const sequences: fc.Arbitrary<Iterable<RequestCommand>> = fc.commands<
    RequestModel,
    RequestRun,
    false
  >(commands, {
    maxCommands: commandsMax,
    size: 'max',
    ...(replayPath === null ? {} : { replayPath }),
  })
  return fc.asyncProperty(sequences, (commands) => {
    let steps: readonly string[] = []
    return search.try({ input: () => steps.join(',') }, () =>
      observed(scene, settings, (run) => {
        steps = run.steps
        return fc.asyncModelRun(
          () => ({ model: { open: new Map(), slots: scene.rig.slots }, real: run }),
          commands,
        )
      }),
    )
  })
}

function interleavingProperty(
  scene: RunScene,
  search: CounterexampleSearch,
  settings: SearchSettings,
) {
  return fc.asyncProperty(anyInterleaving(scene.world), (interleaving) => {
    let timeline: readonly string[] = []
    return search.try({ input: () => ({ requests: interleaving.requests, timeline }) }, () =>
      observed(scene, settings, async (run) => {
        timeline = await interleave(run, interleaving)
      }),
    )
  })
}

/**
 * What a run over emptied connections shows is believed when a run over new ones shows it, too: those of the reader
 * of a witness are new.
 */
async function observed(
  scene: RunScene,
  settings: SearchSettings,
  drive: (run: RequestRun) => Promise<unknown>,
) {
  const seen = await observedOn(scene, settings, { drive, isFresh: settings.replay !== undefined })
  if (seen.witness === null || !seen.isWarm) return seen
  const again = await observedOn(scene, settings, { drive, isFresh: true })
  // What was seen once is neither a leak that a reader can repeat nor nothing: the cell does not hold.
  if (again.witness === null)
    scene.tally.addError(
      new Error(`seen once, and not over new connections: ${seen.witness.sentence}`),
    )
  return again
}

interface Drive {
  readonly drive: (run: RequestRun) => Promise<unknown>
  readonly isFresh: boolean
}

/** One run; a witness ends it, any other error is the harness's or the pool's. */
async function observedOn(scene: RunScene, settings: SearchSettings, { drive, isFresh }: Drive) {
  await using run = new RequestRun(scene, { isFresh })
  try {
    await drive(run)
    await lookAtUsed(run)
  } catch (error) {
    if (!(error instanceof WitnessSeen)) throw error
  }
  settings.tools?.get(spanListener)?.(scene, run.spans)
  return { attempt: run.attempt(), witness: run.witness, isWarm: run.lease.isWarm() }
}
