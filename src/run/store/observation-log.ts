/** Writes observations.jsonl while a run goes on: what was seen is on disk before the next cell is asked. */

import type { LoadedProbe, ObservedCell } from '../../probe/ask.ts'
import type { CellVerdict } from '../../model/verdict.ts'
import type { World } from '../../world/world.ts'
import { observationsVersion, Packer } from './observations.ts'
import type { RunDirectory } from './run-directory.ts'
import { storedWorld } from './stored-world.ts'

const name = 'observations.jsonl'

export class ObservationLog {
  readonly #directory: RunDirectory
  readonly #packer = new Packer()

  constructor(directory: RunDirectory) {
    this.#directory = directory
    directory.append(name, { kind: 'observations', version: observationsVersion })
  }

  readonly onWorld = (world: World): void => {
    const line = storedWorld(world)
    if (line !== null) this.#directory.append(name, line)
  }

  readonly onObserved = (observed: ObservedCell): void => {
    let line: string
    try {
      line = this.#packer.pack(observed)
    } catch {
      // What is no plain value cannot be kept: the run goes on, and its cell does not hold when judged again.
      return
    }
    this.#directory.appendLine(name, line)
  }

  /** What was said of the cell, for whoever reads the file of a run that did not end. */
  readonly onCell = ({ id }: LoadedProbe, cell: CellVerdict): void => {
    this.#directory.append(name, { kind: 'verdict', probe: id, ...cell })
  }
}
