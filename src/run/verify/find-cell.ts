/** The cell of a probe in which an earlier run found something. */

import { isPooled } from '../../probe/way.ts'
import type { Finding } from '../../model/finding.ts'
import type { Cell } from '../../probe/define.ts'

export type WhereFound = Pick<Finding, 'way' | 'object' | 'command'>

/** A probe may ask about one object in several ways, and some name the command by what was seen. */
export function findCell(
  cells: readonly Cell[],
  { way, object, command }: WhereFound,
): Cell | null {
  const named = cells.filter(({ name }) => name === object)
  return (
    named.find(({ path }) => path === command) ??
    named.find(({ path }) => !isPooled(way) || command.startsWith(path.split(',')[0] ?? path)) ??
    null
  )
}
