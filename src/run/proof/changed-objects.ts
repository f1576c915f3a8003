/** What a mutant or control changed, so that its own objects are asked first and most. */

import { relationKey, type Catalog, type Relation } from '../../model/catalog.ts'
import type { Cell } from '../../probe/define.ts'
import type { World } from '../../world/world.ts'
import type { Mutant } from './mutant.ts'
import { shortHash } from '../../short-hash.ts'

/**
 * Cells of unchanged objects that a control is asked per probe: `verify` asks all of them of the healthy
 * world, and every control takes others, so that together they ask many.
 */
const unchangedCellsMax = 4
/** The same of a control that changes no object, only roles, functions or settings. */
const anyCellsMax = 12

/** Names of objects whose entry in the catalog is not that of the healthy world, new ones among them. */
export function changedObjects(world: World, healthy: Catalog): ReadonlySet<string> {
  const before = new Map(
    healthy.relations.map((relation) => [relationKey(relation), shapeOf(relation)]),
  )
  const changed = new Set(
    world.catalog.relations
      .filter((relation) => before.get(relationKey(relation)) !== shapeOf(relation))
      .map(relationKey),
  )
  return new Set(
    world.objects
      .filter((object) =>
        world.tenants.some((tenant) => {
          const relation = object.relationOf(tenant)
          return relation !== null && changed.has(relationKey(relation))
        }),
      )
      .map(({ name }) => name),
  )
}

/** Object ids and estimates differ from clone to clone and say nothing. */
function shapeOf(relation: Relation): string {
  return JSON.stringify({ ...relation, oid: 0, estimatedRows: 0 })
}

/** Which cells of a probe are asked, in which order. */
export type CellChooser = (cells: readonly Cell[]) => readonly Cell[]

/**
 * Two passes for a mutant: the cells of what it changed, then the others. One for a control: all cells of
 * what it changed, and a sample of the others that is spread over all of them.
 */
export function cellChoosers(
  changed: ReadonlySet<string>,
  { title, expect }: Pick<Mutant, 'title' | 'expect'>,
): readonly CellChooser[] {
  const own: CellChooser = (cells) => cells.filter(({ name }) => changed.has(name))
  const others: CellChooser = (cells) => cells.filter(({ name }) => !changed.has(name))
  const most = changed.size === 0 ? anyCellsMax : unchangedCellsMax
  if (expect === 'holds')
    return [(cells) => [...own(cells), ...sampled(others(cells), { name: title, most })]]
  return changed.size === 0 ? [others] : [own, others]
}

/** Evenly spread; the title says where the first of them lies. */
function sampled(
  cells: readonly Cell[],
  { name, most }: { readonly name: string; readonly most: number },
): readonly Cell[] {
  if (cells.length <= most) return cells
  const step = cells.length / most
  const offset = (Number.parseInt(shortHash(name).slice(0, 8), 16) % 1000) / 1000
  return Array.from(
    { length: most },
    (_, index) => cells[Math.floor((index + offset) * step)] ?? [],
  ).flat()
}
