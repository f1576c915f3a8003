/** Context probes: strategies over real poolers, by command sequences or by interleaved requests. */

import fc from 'fast-check'
import type { ContextStrategy } from '../model/context-strategy.ts'
import type { CellVerdict } from '../model/verdict.ts'
import { metaOf, type Cell, type Probe, type ProbeMeta, type SearchSettings } from './define.ts'
import type { PoolerRig } from './pooler.ts'
import { anyRequests, interleave } from './interleaving.ts'
import { anyCommand, type RequestModel } from './request-commands.ts'
import { RequestRun, WitnessSeen, type RunScene } from './request-run.ts'
import { cellVerdict, CounterexampleSearch } from './search.ts'
import { Tally } from './tally.ts'
import { keyCondition } from './statements.ts'
import { ownedTables, targetOf } from './targets.ts'
import type { WorldObject } from './world-object.ts'
import type { World } from './world.ts'

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
    (settings.poolers ?? [])
      .filter((rig) => rig.kind === definition.pooler)
      .flatMap((rig) => strategiesFor(world, rig, settings).map((strategy) => ({ rig, strategy })))
  return {
    ...metaOf(definition),
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
      if (found === undefined) throw new Error(`no pooler serves the cell ${cell.name}, ${cell.path}`)
      const scene = {
        world,
        ...found,
        tally: new Tally({ countsSteps: false }),
        probeSql: canarySql(world),
      }
      return searchContext(scene, { cell, settings, form: definition.form })
    },
  }
}

function strategiesFor(world: World, rig: PoolerRig, settings: SearchSettings): readonly ContextStrategy[] {
  if (settings.strategies !== undefined) return settings.strategies
  return world.tenancy.strategies
    .filter(({ behindPooler }) => rig.kind === 'driver' || behindPooler)
    .map(({ strategy }) => strategy)
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
  const runs = settings.runs === 0 ? 0 : Math.max(sequencesMin, settings.runs)
  const search = new CounterexampleSearch(tally, settings.signal)
  const options = { settings, runs, login: scene.world.application }
  const counterexample =
    runs === 0
      ? null
      : form === 'commands'
        ? await search.run(commandsProperty(scene, search, settings), { ...options, examples: [] })
        : await search.run(interleavingProperty(scene, search, settings), { ...options, examples: [] })
  return cellVerdict({
    cell,
    counterexample,
    tally,
    runs,
    privilege: 'granted',
    replaying: settings.replay !== undefined,
  })
}

function commandsProperty(scene: RunScene, search: CounterexampleSearch, settings: SearchSettings) {
  const replayPath = settings.replay?.replayPath ?? null
  const sequences = fc.commands<RequestModel, RequestRun, false>([...anyCommand(scene)], {
    maxCommands: commandsMax,
    size: 'max',
    ...(replayPath === null ? {} : { replayPath }),
  })
  return fc.asyncProperty(sequences, (commands) =>
    search.try({ input: () => String(commands) }, () =>
      observed(scene, settings, (run) =>
        fc.asyncModelRun(
          () => ({ model: { open: new Map(), slots: scene.rig.slots }, real: run }),
          commands,
        ),
      ),
    ),
  )
}

function interleavingProperty(scene: RunScene, search: CounterexampleSearch, settings: SearchSettings) {
  return fc.asyncProperty(fc.scheduler(), anyRequests(scene.world), (scheduler, requests) =>
    search.try(
      {
        input: () => ({
          requests,
          schedule: String(scheduler)
            .split('\n')
            .filter((line) => line.startsWith('-> ')),
        }),
      },
      () => observed(scene, settings, (run) => interleave(run, scheduler, requests)),
    ),
  )
}

/** One run on fresh connections; a witness ends it, any other error is the harness's or the pool's. */
async function observed(
  scene: RunScene,
  settings: SearchSettings,
  drive: (run: RequestRun) => Promise<unknown>,
) {
  await using run = new RequestRun(scene)
  try {
    await drive(run)
  } catch (error) {
    if (!(error instanceof WitnessSeen)) throw error
  }
  settings.onSpans?.(scene, run.spans)
  return { attempt: run.attempt(), witness: run.witness }
}

/** Asks for the canaries of all tenants in the first table that has one of each. */
function canarySql(world: World): string {
  const first = world.tenants[0]
  const guarded = (each: WorldObject) =>
    first !== undefined && each.relationOf(first)?.relrowsecurity === true
  const readable = ownedTables(world).filter(
    (each) =>
      each.kind === 'table' &&
      world.tenants.every(
        (tenant) =>
          each.samplesOf(tenant.id).length > 0 &&
          each.relationOf(tenant)?.applicationPrivileges.includes('SELECT') === true,
      ),
  )
  const object = readable.find(guarded) ?? readable[0]
  const target = object === undefined || first === undefined ? null : targetOf(object, first)
  if (object === undefined || target === null)
    throw new Error('no table has a readable row of every tenant')
  const keys = world.tenants
    .slice(0, 64)
    .flatMap((tenant) => object.samplesOf(tenant.id).slice(0, 1))
    .map((row) => `(${keyCondition(target.relation, row)})`)
  const name = world.id.tenancy === 'schema-per-tenant' ? `"${target.relation.name}"` : target.address
  return `SELECT pg_backend_pid() AS pid, t.tenant_id, t.id FROM (SELECT 1) one LEFT JOIN ${name} t ON ` +
    `${keys.join(' OR ')}`
}
