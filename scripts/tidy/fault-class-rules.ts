/** A score by class counts only what is classified: each mutant names a class, and each class has a mutant. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Fault, SourceTree } from './source-tree.ts'

const list = 'fixtures/fault-classes.json'

export function faultClassFaults(tree: SourceTree): readonly Fault[] {
  const say = (path: string, sentence: string): Fault => ({
    rule: 'classes',
    path,
    line: 1,
    sentence,
  })
  const read = (path: string) => readFileSync(join(tree.root, path), 'utf8')
  const known = existsSync(join(tree.root, list))
    ? Object.keys(JSON.parse(read(list)) as Record<string, string>)
    : []
  const mutants = tree.files
    .filter((path) => /^fixtures\/mutants\/.+\.(?:sql|ts)$/.test(path))
    .map((path) => ({ path, name: classIn(read(path)) }))
  return [
    ...mutants
      .filter(({ name }) => name === null)
      .map(({ path }) => say(path, 'names no class of fault')),
    ...mutants.flatMap(({ path, name }) =>
      name === null || known.includes(name)
        ? []
        : [say(path, `names the class ${name}, which is not in ${list}`)],
    ),
    ...known
      .filter((name) => !mutants.some((mutant) => mutant.name === name))
      .map((name) => say(list, `has the class ${name}, of which there is no mutant`)),
  ]
}

/** `-- class: R11` of a script, `class: 'R11'` of a module. */
function classIn(text: string): string | null {
  return /^-- class: *(\S+)/m.exec(text)?.[1] ?? /\bclass: '([^']+)'/.exec(text)?.[1] ?? null
}
