/**
 * What a trial asks beside the named probe: everything about the objects that the planted SQL mentions, and
 * a part of the rest, which is as it was in the healthy database that `verify` has asked in full.
 */

import type { Cell } from '../probe/define.ts'
import type { LoadedProbe } from '../probe/run.ts'
import { hash32 } from '../seed/random.ts'
import type { Mutant } from './mutant.ts'

/** One of so many cells of an object that the SQL does not mention. */
const unmentionedShare = 6

/** The probe, asking about what the mutant's SQL is about; the named probe asks everything, that first. */
export function focused(loaded: LoadedProbe, mutant: Mutant): LoadedProbe {
  const { sql, id, probe: named } = mutant
  if (sql === null) return loaded
  const words = new Set(sql.match(/\w+/g) ?? [])
  const mentioned = ({ object, name }: Cell) => object === null || words.has(name.split('.').at(-1) ?? name)
  const drawn = ({ name, path }: Cell) => hash32(`${id} ${loaded.id} ${name} ${path}`) % unmentionedShare === 0
  const { probe } = loaded
  const cells: typeof probe.cells = (world, settings) => {
    const all = probe.cells(world, settings)
    const rest = all.filter((cell) => !mentioned(cell))
    return [...all.filter(mentioned), ...(loaded.id === named ? rest : rest.filter(drawn))]
  }
  return { ...loaded, probe: { ...probe, cells } }
}
