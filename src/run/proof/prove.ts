/**
 * Proves that the detector sees: each mutant is applied to a clone of the healthy template and must
 * be found; each control must stay silent.
 */

import { messageOf } from '../../errors.ts'
import type { Catalog } from '../../model/catalog.ts'
import type { KillWitness } from '../../model/detector.ts'
import type { ClassScore, ControlScore, MutantScore } from '../../model/report.ts'
import { worldKey, type WorldId } from '../../model/tenancy.ts'
import type { LoadedProbe, RunSettings } from '../../probe/ask.ts'
import { inLane, lanesMax } from './clone-lane.ts'
import { readClusterRoles, restoreClusterRoles, type ClusterRoles } from './cluster-roles.ts'
import { readFaultClasses } from './fault-classes.ts'
import type { Mutant } from './mutant.ts'
import type { OpenSite } from '../../reference/site/open-site.ts'
import { untried, type Trial } from './judge-trial.ts'
import { tryMutant } from './trial.ts'
import { openWorld } from '../../reference/site/worlds.ts'

export interface ProveOptions {
  readonly mutants: readonly Mutant[]
  readonly controls: readonly Mutant[]
  readonly probes: readonly LoadedProbe[]
  readonly search: RunSettings
  readonly statementTimeoutMs: number
  /** Each mutant is asked of its own probe alone. Default false. */
  readonly ownOnly?: boolean
  /** Called before each mutant and control. */
  readonly onStep: (what: string, done: number, total: number) => void
}

export interface Proof {
  readonly mutants: MutantScore
  readonly controls: ControlScore
  /** By probe, what it saw of its own mutants by itself; `seen` is null where it saw nothing. */
  readonly own: readonly OwnProof[]
}

export interface OwnProof {
  readonly probe: string
  readonly mutant: string
  readonly seen: KillWitness | null
  readonly reason: string
}

/** The order of the proof is that of the lists, however the lanes proceed. */
export async function prove(open: OpenSite, options: ProveOptions): Promise<Proof> {
  const all = [...options.mutants, ...options.controls]
  const before = await readClusterRoles(open.admin)
  const trials = new Map<Mutant, Trial>()
  const alone: Mutant[] = []
  const healthy = healthyCatalogs(open, options.statementTimeoutMs)
  const walk = async (list: readonly Mutant[], lanes: number) => {
    const waiting = [...list]
    const next = () => (options.search.signal?.aborted === true ? null : (waiting.shift() ?? null))
    await settleAll(
      Array.from({ length: lanes }, (_, lane) =>
        inLane(open, { lane, next }, async (mutant, { database, error }) => {
          options.onStep(mutant.id, trials.size, all.length)
          const unchanged: ClusterRoles | null = lanes > 1 ? before : null
          const trial =
            error === null
              ? await tryMutant(open, { ...options, mutant, database, unchanged, healthy })
              : untried(`it could not be tried: ${messageOf(error)}`)
          if (trial === null) alone.push(mutant)
          else trials.set(mutant, trial)
        }).then(() => restoreClusterRoles(open.admin, before)),
      ),
    )
  }
  await walk(all, lanesMax)
  // Roles are seen by every clone, so whoever changes them has the server for itself.
  for (const mutant of all.filter((each) => alone.includes(each))) await walk([mutant], 1)
  return scoreOf(
    all.map((mutant) => ({
      mutant,
      trial: trials.get(mutant) ?? untried('it was not tried: the run was interrupted'),
    })),
  )
}

/** The catalog of each untouched world, read once, when a trial first asks for it. */
function healthyCatalogs(
  open: OpenSite,
  statementTimeoutMs: number,
): (id: WorldId) => Promise<Catalog> {
  const known = new Map<string, Promise<Catalog>>()
  const read = async (id: WorldId) => {
    await using world = await openWorld(open.site, { id, statementTimeoutMs })
    return world.catalog
  }
  return (id) => {
    const catalog = known.get(worldKey(id)) ?? read(id)
    known.set(worldKey(id), catalog)
    return catalog
  }
}

/** Waits for every lane before it throws, so that none goes on behind the others' back. */
async function settleAll(lanes: readonly Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(lanes)
  const failed = settled.find((each) => each.status === 'rejected')
  if (failed !== undefined) throw failed.reason
}

interface Tried {
  readonly mutant: Mutant
  readonly trial: Trial
}

/** A mutant is what must be found, wherever its file lies; a control what must stay silent. */
function scoreOf(all: readonly Tried[]): Proof {
  const mutants = all.filter(({ mutant }) => mutant.expect === 'violated')
  const controls = all.filter(({ mutant }) => mutant.expect === 'holds')
  const kills = mutants.flatMap(({ trial }) => trial.kill ?? [])
  const survivors = mutants.filter(({ trial }) => trial.kill === null)
  return {
    own: mutants.flatMap(({ mutant: { probe, id }, trial }) =>
      probe === null ? [] : [{ probe, mutant: id, seen: trial.own, reason: trial.reason }],
    ),
    mutants: {
      total: mutants.length,
      killed: kills.length,
      kills,
      survived: survivors.map((each) => ({ ...named(each), class: each.mutant.class })),
      classes: classesOf(mutants),
    },
    controls: {
      total: controls.length,
      silent: controls.filter(({ trial }) => trial.silent).length,
      noisy: controls.filter(({ trial }) => !trial.silent).map(named),
    },
  }
}

function named({ mutant, trial }: Tried) {
  return { id: mutant.id, title: mutant.title, reason: trial.reason }
}

/** A class counts as killed when every mutant of it was. */
function classesOf(mutants: readonly Tried[]): NonNullable<MutantScore['classes']> {
  const titles = readFaultClasses()
  const names = [...new Set(mutants.flatMap(({ mutant }) => mutant.class ?? []))]
  const list = names.map((id): ClassScore => {
    const ofClass = mutants.filter(({ mutant }) => mutant.class === id)
    const killed = ofClass.filter(({ trial }) => trial.kill !== null).length
    return { id, title: titles.get(id) ?? id, mutants: ofClass.length, killed }
  })
  return {
    tried: list.length,
    killed: list.filter(({ mutants: all, killed }) => killed === all).length,
    list: list.toSorted((a, b) => (inOrder(a.id) < inOrder(b.id) ? -1 : 1)),
  }
}

/** R9 before R10. */
function inOrder(id: string): string {
  return id.replace(/\d+/g, (digits) => digits.padStart(6, '0'))
}
