/** Planted ids say whose they are: any output that shows one names its owner, without a look-up. */

import { hash32, mix32 } from './random.ts'

export interface PlantedPlace {
  readonly seed: number
  /** Tag of the tenant: the first eight hex digits of the id. */
  readonly tag: string
  readonly table: string
}

/**
 * Ids of the rows of one table of one tenant: version 8 (free use), variant 1, so that no id of
 * gen_random_uuid() looks planted. The last group holds a permutation of the row number: within a
 * table no two rows share an id, by construction. https://www.rfc-editor.org/rfc/rfc9562#section-5.8
 */
export function uuidPlanter({ seed, tag, table }: PlantedPlace): (row: number) => string {
  const place = `${seed} ${tag} ${table}`
  const fixed = hex(hash32(place, 1))
  const [first, second] = [hash32(place, 2), hash32(place, 3)]
  const head = `${tag}-${fixed.slice(0, 4)}-8${fixed.slice(4, 7)}-a`
  return (row) => {
    const loose = hex(mix32(row ^ second))
    return `${head}${loose.slice(0, 3)}-${loose.slice(3, 7)}${hex(mix32(row ^ first))}`
  }
}

/** The id of one row. */
export function plantedUuid(place: PlantedPlace, row: number): string {
  return uuidPlanter(place)(row)
}

function hex(value: number): string {
  return value.toString(16).padStart(8, '0')
}
