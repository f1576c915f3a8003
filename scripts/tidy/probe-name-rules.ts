/** The engine knows no probe and no suite by its name: what differs is a property of the probe. */

import ts from 'typescript'
import type { Fault, SourceTree, Unit } from './source-tree.ts'
import { lineOf, nodesBelow } from './syntax.ts'

/** What binds engine and platform may name the probes of the platform; rigs of tests ask single ones. */
const mayName = /^src\/(reference|dotmac|testing)\//

export function probeNameFaults(tree: SourceTree): readonly Fault[] {
  const probes = new Set(
    tree.files.flatMap((path) => /^suites\/[^/]+\/([^/.]+)\.ts$/.exec(path)?.[1] ?? []),
  )
  return tree.units
    .filter(({ path, isTest }) => path.startsWith('src/') && !isTest && !mayName.test(path))
    .flatMap((unit) => [...namedIn(unit, probes)])
}

function* namedIn({ path, ast }: Unit, probes: ReadonlySet<string>): Generator<Fault> {
  for (const node of nodesBelow(ast)) {
    const isText = ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)
    const named =
      isText && probes.has(node.text)
        ? `names the probe ${node.text}`
        : isSuiteCompared(node)
          ? 'asks for a suite by its name'
          : null
    if (named !== null) {
      const sentence = `${named}: let a property of the probe say what differs`
      yield { rule: 'names', path, line: lineOf(ast, node), sentence }
    }
  }
}

function isSuiteCompared(node: ts.Node): boolean {
  if (!ts.isBinaryExpression(node)) return false
  const sides = [node.left, node.right]
  return (
    /^[!=]==?$/.test(ts.tokenToString(node.operatorToken.kind) ?? '') &&
    sides.some((side) => ts.isStringLiteral(side)) &&
    sides.some((side) => /(^|\.)suite$/.test(side.getText()))
  )
}
