/** Sixteen hex digits of SHA-256: long enough to tell names of one run apart. */

import { createHash } from 'node:crypto'

export function shortHash(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex').slice(0, 16)
}
