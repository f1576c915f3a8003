/** Probes of what the operator does: steps are operations, told in words, and what could be read afterwards. */

import { messageOf, sqlstateOf, WatertightError } from '../../errors.ts'
import type { Attempt, Observation, Row, Step, Witness } from '../../model/observation.ts'
import {
  defineProbe,
  type Cell,
  type Probe,
  type ProbeDefinition,
  type SearchSettings,
} from '../../probe/define.ts'
import { isServed } from '../service/routes.ts'
import { attackRows, rowsShown } from '../../attack/witness.ts'
import type { World } from '../../world/world.ts'

export interface OperationsLimits {
  /** Random cases of a cell at most: an operation takes as long as a thousand statements. */
  readonly runsMax: number
}

/** A probe that executes operations on copies of both databases. */
export function defineOperationsProbe<Input>(
  definition: ProbeDefinition<Input>,
  { runsMax }: OperationsLimits,
): Probe {
  const probe = defineProbe(definition)
  const within = (settings: SearchSettings) => ({
    ...settings,
    runs: Math.min(settings.runs, runsMax),
  })
  return {
    ...probe,
    search: (world, cell, settings) => probe.search(world, cell, within(settings)),
  }
}

/** Operations are asked where the platform is judged: once for both of its databases. */
export function operationCells(
  world: World,
  name: string,
  paths: readonly string[],
): readonly Cell[] {
  return isServed(world) ? paths.map((path) => ({ object: null, name, path })) : []
}

/** An operation as a step: it gives rows, or it refuses with a code of its own or the server's. */
export async function performed(
  sql: string,
  role: Step['role'],
  work: () => Promise<readonly Row[]>,
): Promise<Step> {
  return { sql, role, observation: await seen(work) }
}

async function seen(work: () => Promise<readonly Row[]>): Promise<Observation> {
  try {
    return { kind: 'rows', rows: await work(), affected: null, truncated: false }
  } catch (error) {
    const sqlstate = error instanceof WatertightError ? error.code : sqlstateOf(error)
    const message = messageOf(error)
    return sqlstate === null
      ? { kind: 'indeterminate', sqlstate, message }
      : { kind: 'refused', sqlstate, message }
  }
}

export function operated(steps: readonly Step[]): Attempt {
  return { steps, backendPid: null }
}

/** Attacks of these probes return what must not be, and nothing else. */
export function anyRowOf(
  attempt: Attempt,
  told: (first: Row, rows: number) => Omit<Witness, 'rows'>,
): Witness | null {
  const rows = attackRows(attempt)
  const [first] = rows
  return first === undefined
    ? null
    : { ...told(first, rows.length), rows: rows.slice(0, rowsShown) }
}
