/** How a probe is written: what it claims, which cells it covers, how it attacks and how it judges. */

import type fc from 'fast-check'
import type { TablePrivilege } from '../model/catalog.ts'
import type { Attempt, Witness } from '../model/observation.ts'
import type { CellVerdict, Severity } from '../model/verdict.ts'
import { withoutUnclaimed } from './inherent.ts'
import { judgeAgain } from './judge-again.ts'
import type { CellObservations } from './observed.ts'
import { searchCell, sparedVerdict } from './search.ts'
import type { World } from '../world/world.ts'
import type { WorldFacts, WorldObject } from '../model/world.ts'
import type { ToolBox } from './tools.ts'
import type { Tenant } from '../model/tenant.ts'

/** What a probe cannot do without; a world that lacks it makes the verdict `inapplicable` or `unknown`. */
export type Need =
  'rows' | 'writes' | 'pool' | 'pgbouncer' | 'timing' | 'http' | 'operations' | 'server'

/** A need that a run cannot serve, and what that makes of the verdict. */
export interface Lack {
  readonly need: Need
  readonly outcome: 'inapplicable' | 'unknown'
  readonly reason: string
}

/** One question of a probe: an object of the matrix reached by a path. */
export interface Cell {
  readonly object: WorldObject | null
  /** Row of the matrix: the object's name, or the pooler and strategy of a context probe. */
  readonly name: string
  /** Column of the matrix. */
  readonly path: string
  /** Right that the path needs on the object. */
  readonly privilege?: TablePrivilege
}

export interface SearchSettings {
  readonly seed: number
  /** Inputs per cell beyond the examples; 0 asks nothing and proves nothing. */
  readonly runs: number
  /** Examples per cell at most, tried before the random inputs. Default: all. */
  readonly examplesMax?: number
  /** Tenants whose own rows are asked for as positive controls of a cell. Default 16. */
  readonly controlTenantsMax?: number
  /** Replay coordinates: run this path only. */
  readonly replay?: { readonly path: string; readonly replayPath: string | null }
  readonly signal?: AbortSignal
  /** Ends at the first witness as it is, without looking for a smaller one. Default false. */
  readonly endsAtWitness?: boolean
  /** Inherent channels that the target claims to have closed. Default: none. */
  readonly claims?: ReadonlySet<string>
  /** Measure how long answers take. Default false: a measurement is worth no more than the machine's peace. */
  readonly timing?: boolean
  /** Cases as they happen, for the live progress. */
  readonly onCase?: (cell: Cell, attempt: Attempt, input: unknown) => void
  /** All that the search of a cell saw, at its end; probes whose judge is no pure function tell nothing. */
  readonly onSearched?: (observed: CellObservations) => void
  /** What the suites' own searches need: poolers, strategies. Default: none. */
  readonly tools?: ToolBox
}

export interface ProbeMeta {
  /** The sentence that a verdict of `holds` confirms. */
  readonly claim: string
  /** Documentation or CVE the claim rests on. */
  readonly source: string
  readonly severity: Severity
  readonly needs: readonly Need[]
  /** What repairs it, as SQL or as advice; `{relation}` is replaced by the cell's object. */
  readonly remedy: string
  /** How tenants must be kept apart for the question to make sense. Default: in any way. */
  readonly separatedBy?: WorldFacts['separatedBy']
  /**
   * Asked only where the platform is judged: its hundreds of cells would say of a form that is reported beside it
   * only once more that it leaks, or nothing that it asks about differs there. Default false.
   */
  readonly judgedWorldsOnly?: boolean
}

/** What the runner sees of every probe. */
export interface Probe extends ProbeMeta {
  readonly basis: 'executed' | 'catalogue'
  /** True when one search tries everything there is: another one would only repeat it. */
  readonly exhaustive?: boolean
  cells(world: World, settings: SearchSettings): readonly Cell[]
  search(world: World, cell: Cell, settings: SearchSettings): Promise<CellVerdict>
  /** Judges what a search saw, without a server. Missing: what the probe saw is not stored. */
  judgeAgain?(
    scene: Scene,
    observed: CellObservations,
    settings: Pick<SearchSettings, 'claims'>,
  ): CellVerdict
}

export interface ProbeDefinition<Input> extends ProbeMeta {
  cells(world: World): readonly Cell[]
  inputs(world: World, cell: Cell): fc.Arbitrary<Input>
  /** Inputs tried before the random ones, so that every tenant attacks at least once. */
  examples?(world: World, cell: Cell): readonly Input[]
  /** Impure: executes the attack and returns what was seen. */
  attempt(world: World, cell: Cell, input: Input): Promise<Attempt>
  /** Pure: a witness when the attempt proves a violation. */
  judge(attempt: Attempt, input: Input, scene: Scene): Witness | null
  /**
   * The same path on the tenant's own rows: it must see rows, or nothing was tested. Null when
   * the application has no such right, so that every attack is refused by privilege.
   */
  control(world: World, cell: Cell, tenant: Tenant): Promise<Attempt> | null
  /** Why the cell must not be tried on this server, as a reason for the report. Default: every cell is tried. */
  spares?(world: World, cell: Cell): string | null
}

export interface Scene {
  readonly world: World
  readonly cell: Cell
}

/** A probe that executes one transaction per input. */
export function defineProbe<Input>(definition: ProbeDefinition<Input>): Probe {
  return {
    ...metaOf(definition),
    basis: 'executed',
    cells: (world) => definition.cells(world),
    search: async (world, cell, settings) => {
      const spared = definition.spares?.(world, cell) ?? null
      if (spared !== null) return sparedVerdict(cell, spared)
      return withoutUnclaimed(
        await searchCell(definition, { world, cell }, settings),
        settings.claims ?? new Set(),
      )
    },
    judgeAgain: (scene, observed, { claims = new Set() }) =>
      withoutUnclaimed(judgeAgain(definition, scene, observed), claims),
  }
}

export function metaOf(meta: ProbeMeta): ProbeMeta {
  const { claim, source, severity, needs, remedy, separatedBy, judgedWorldsOnly } = meta
  return {
    claim,
    source,
    severity,
    needs,
    remedy,
    ...(separatedBy === undefined ? {} : { separatedBy }),
    ...(judgedWorldsOnly === undefined ? {} : { judgedWorldsOnly }),
  }
}
