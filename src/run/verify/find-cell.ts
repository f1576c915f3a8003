/** The cell of a probe in which an earlier run found something. */

import type { Finding } from '../../model/finding.ts'
import type { Cell } from '../../probe/define.ts'

export type WhereFound = Pick<Finding, 'suite' | 'object' | 'command'>

/** A probe may ask about one object in several ways, and some name the command by what was seen. */
export function findCell(
  cells: readonly Cell[],
  { suite, object, command }: WhereFound,
): Cell | null {
  const named = cells.filter(({ name }) => name === object)
  return (
    named.find(({ path }) => path === command) ??
    named.find(
      ({ path }) => suite !== 'context' || command.startsWith(path.split(',')[0] ?? path),
    ) ??
    null
  )
}
