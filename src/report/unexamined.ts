/** The line that keeps a green word from being read as one about the databases of the reader. */

import type { Report } from '../model/report.ts'
import { visible } from './text.ts'

const namesMax = 12

/** Null where every database of the server is ours. */
export function unexaminedLine({ target: { unexamined = [] } }: Report): string | null {
  if (unexamined.length === 0) return null
  const hidden = unexamined.length - namesMax
  const names = unexamined.slice(0, namesMax).map(visible).join(', ')
  return `databases of this server were not examined: ${names}${hidden > 0 ? ` and ${hidden} more` : ''}`
}
