/** A probe that has killed nothing proves nothing: each needs a planted defect, and each defect a probe. */

import type { Fault, SourceTree } from './source-tree.ts'

/** Gauges measure and cannot be fooled by a leak. */
const exemptSuite = 'speed'

export function mutantFaults(tree: SourceTree): readonly Fault[] {
  const probes = tree.files.flatMap((path) => {
    const [, suite, id] = /^suites\/([^/]+)\/([^/]+?)\.ts$/.exec(path) ?? []
    return suite === undefined || id === undefined || suite === exemptSuite || id.includes('.')
      ? []
      : [{ id, path }]
  })
  const mutants = tree.files.flatMap((path) => {
    const file = /^fixtures\/mutants\/(.+)\.(?:sql|ts)$/.exec(path)?.[1]
    return file === undefined ? [] : [{ path, probe: /^(.+?)--.+$/.exec(file)?.[1] ?? null }]
  })
  const say = (path: string, sentence: string): Fault => ({
    rule: 'mutants',
    path,
    line: 1,
    sentence,
  })
  return [
    ...probes
      .filter(({ id }) => !mutants.some(({ probe }) => probe === id))
      .map(({ id, path }) => say(path, `has no mutant fixtures/mutants/${id}--<defect>`)),
    ...probes
      .filter(({ id }, index) => probes.findIndex((other) => other.id === id) !== index)
      .map(({ id, path }) => say(path, `is the second probe named ${id}`)),
    ...mutants
      .filter(({ probe }) => !probes.some(({ id }) => id === probe))
      .map(({ path, probe }) =>
        say(
          path,
          probe === null
            ? 'is not named <probe>--<defect>'
            : `names the probe ${probe}, which does not exist`,
        ),
      ),
  ]
}
