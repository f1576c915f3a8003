/** A lockfile with addresses installs only where those addresses answer; integrity alone works everywhere. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Fault, SourceTree } from './source-tree.ts'

const sentence = 'names the address of a package; keep integrity only'

export function lockfileFaults({ root }: SourceTree): readonly Fault[] {
  const path = 'package-lock.json'
  if (!existsSync(join(root, path)))
    return [{ rule: 'lockfile', path, line: 1, sentence: 'is missing' }]
  return readFileSync(join(root, path), 'utf8')
    .split('\n')
    .flatMap((line, index) =>
      /"resolved":\s*"/.test(line) ? [{ rule: 'lockfile', path, line: index + 1, sentence }] : [],
    )
}
