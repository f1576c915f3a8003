/** What a mutant or control changed, so that its own objects are asked first and most. */

import { relationKey, type Catalog, type Relation } from '../model/catalog.ts'
import type { Cell } from '../probe/define.ts'
import type { World } from '../probe/world.ts'
import type { Mutant } from './mutant.ts'

/** Cells of unchanged objects that a control is asked per probe: `verify` asks all of them of the healthy world. */
const unchangedCellsMax = 12

/** Names of objects whose entry in the catalog is not that of the healthy world, new ones among them. */
export function changedObjects(world: World, healthy: Catalog): ReadonlySet<string> {
  const before = new Map(healthy.relations.map((relation) => [relationKey(relation), shapeOf(relation)]))
  const changed = new Set(world.catalog.relations
    .filter((relation) => before.get(relationKey(relation)) !== shapeOf(relation)).map(relationKey))
  return new Set(world.objects.filter((object) => world.tenants.some((tenant) => {
    const relation = object.relationOf(tenant)
    return relation !== null && changed.has(relationKey(relation))
  })).map(({ name }) => name))
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
export function cellChoosers(changed: ReadonlySet<string>, { expect }: Pick<Mutant, 'expect'>): readonly CellChooser[] {
  const own: CellChooser = (cells) => cells.filter(({ name }) => changed.has(name))
  const others: CellChooser = (cells) => cells.filter(({ name }) => !changed.has(name))
  if (expect === 'holds') return [(cells) => [...own(cells), ...sampled(others(cells))]]
  return changed.size === 0 ? [others] : [own, others]
}

function sampled(cells: readonly Cell[]): readonly Cell[] {
  if (cells.length <= unchangedCellsMax) return cells
  const step = cells.length / unchangedCellsMax
  return Array.from({ length: unchangedCellsMax }, (_, index) => cells[Math.floor(index * step)] ?? []).flat()
}
