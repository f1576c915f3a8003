/** The rules of the house that a compiler and a linter do not know, in one list. */

import { cycleFaults } from './tidy/cycle-rules.ts'
import { faultClassFaults } from './tidy/fault-class-rules.ts'
import { importFaults } from './tidy/import-rules.ts'
import { lockfileFaults } from './tidy/lockfile-rules.ts'
import { mannerFaults } from './tidy/manner-rules.ts'
import { mutantFaults } from './tidy/mutant-rules.ts'
import { probeNameFaults } from './tidy/probe-name-rules.ts'
import { sizeFaults } from './tidy/size-rules.ts'
import { readSourceTree } from './tidy/source-tree.ts'
import { wordFaults } from './tidy/word-rules.ts'

const rules = [
  importFaults,
  cycleFaults,
  sizeFaults,
  mannerFaults,
  wordFaults,
  mutantFaults,
  probeNameFaults,
  faultClassFaults,
  lockfileFaults,
] as const

/** Every fault of the checkout as `path:line rule: sentence`; empty when it is tidy. */
export function tidy(root: string): readonly string[] {
  const tree = readSourceTree(root)
  return rules
    .flatMap((rule) => rule(tree))
    .map(({ rule, path, line, sentence }) => `${path}:${line} ${rule}: ${sentence}`)
}
