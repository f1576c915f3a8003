/** Reads observations.jsonl back; a line that cannot be read is an error, never an observation less. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'
import { worldKey } from '../../model/tenancy.ts'
import type { World } from '../../world/world.ts'
import { observationsVersion, unpack, type CellLine, type UnpackedCell } from './observations.ts'
import { worldOf, type WorldLine } from './stored-world.ts'

/** A cell whose observations are unpacked when they are judged: all of them at once would be gigabytes. */
export interface StoredCell extends Omit<UnpackedCell, 'seen' | 'cut'> {
  unpack(): UnpackedCell
}

export interface Observations {
  /** By `worldKey`. */
  readonly worlds: ReadonlyMap<string, World>
  /** In the order in which they were searched. */
  readonly cells: readonly StoredCell[]
}

/** @throws WatertightError WATERTIGHT_NO_OBSERVATIONS or WATERTIGHT_BAD_OBSERVATIONS. */
export function readObservations(directory: string): Observations {
  const path = join(directory, 'observations.jsonl')
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    throw new WatertightError(
      'WATERTIGHT_NO_OBSERVATIONS',
      `No observations can be read at ${path}: ${messageOf(error)}`,
      {
        hint: 'Name the directory of a run or verify; what was proved or timed has none',
        cause: error,
      },
    )
  }
  return observationsIn(text, path)
}

/** @throws WatertightError WATERTIGHT_BAD_OBSERVATIONS. */
export function observationsIn(text: string, path: string): Observations {
  const worlds = new Map<string, World>()
  const cells: StoredCell[] = []
  const lines = text.split('\n')
  if (lines.pop() !== '' || lines.length === 0)
    throw badLine(path, lines.length + 1, 'it is cut off')
  for (const [index, line] of lines.entries()) {
    try {
      const said = JSON.parse(line) as {
        readonly kind?: unknown
        readonly version?: unknown
      } | null
      if ((index === 0) !== (said?.kind === 'observations'))
        throw new Error('only the first line names the version, and it must')
      if (index === 0 && said?.version !== observationsVersion)
        throw new Error(`version ${String(said?.version)} is not ${observationsVersion}`)
      if (said?.kind === 'cell') cells.push(storedCell(line, said as CellLine))
      else if (said?.kind === 'world') {
        const world = said as WorldLine
        worlds.set(worldKey(world.id), worldOf(world))
      } else if (said?.kind !== 'verdict' && index > 0)
        throw new Error(`nothing is called ${JSON.stringify(said?.kind)}`)
    } catch (error) {
      throw badLine(path, index + 1, messageOf(error))
    }
  }
  return { worlds, cells }
}

/** @throws Error when the line is no cell. */
function storedCell(line: string, said: CellLine): StoredCell {
  const { probe, world, cell, verdict } = unpack(said)
  return { probe, world, cell, verdict, unpack: () => unpack(JSON.parse(line) as CellLine) }
}

function badLine(path: string, line: number, why: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_BAD_OBSERVATIONS',
    `Line ${line} of ${path} is no observation: ${why}`,
    { hint: 'It was changed, cut off, or written by another version: verify again' },
  )
}
