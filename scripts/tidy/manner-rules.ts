/** Manners of a file: it says why it exists, exports by name, works only when called and leaves nothing undone. */

import ts from 'typescript'
import type { Fault, SourceTree, Unit } from './source-tree.ts'
import { lineOf, nodesBelow } from './syntax.ts'

const registries = [/^suites\/[^/]+\//, /^fixtures\//, /^src\/report\/formats\//]
const testCalls = /^(test|it|describe)\b/

export function mannerFaults(tree: SourceTree): readonly Fault[] {
  return tree.units.flatMap((unit) => [
    ...purposeFaults(unit),
    ...unfinishedFaults(unit),
    ...[...nodesBelow(unit.ast)].flatMap((node) => {
      const sentence =
        exportFault(unit, node) ??
        callFault(unit, node) ??
        skipFault(unit, node) ??
        importTimeFault(unit, node)
      return sentence === null ? [] : [fault(unit, lineOf(unit.ast, node), sentence)]
    }),
  ])
}

function purposeFaults(unit: Unit): readonly Fault[] {
  if (unit.isTest) return []
  const [first] =
    ts.getLeadingCommentRanges(
      unit.text,
      unit.text.startsWith('#!') ? unit.text.indexOf('\n') : 0,
    ) ?? []
  const comment = first === undefined ? '' : unit.text.slice(first.pos, first.end)
  const words = comment.split('\n').filter((line) => /\w/.test(line))
  if (words.length === 0)
    return [fault(unit, 1, 'begins without a comment that says why it exists')]
  return words.length > 3
    ? [fault(unit, 1, `begins with a comment of ${words.length} lines, at most 3`)]
    : []
}

function unfinishedFaults(unit: Unit): readonly Fault[] {
  return unit.text.split('\n').flatMap((line, index) => {
    const word = /(?:\/\/|\/\*|^\s*\*).*\b(TODO|FIXME|XXX)\b/.exec(line)?.[1]
    return word === undefined
      ? []
      : [fault(unit, index + 1, `says ${word}: finish it or open an issue`)]
  })
}

function exportFault(unit: Unit, node: ts.Node): string | null {
  if (
    ts.isExportDeclaration(node) &&
    node.moduleSpecifier !== undefined &&
    (node.exportClause === undefined || ts.isNamespaceExport(node.exportClause))
  )
    return 'exports * instead of names'
  const isDefault =
    ts.isExportAssignment(node) ||
    (ts.isExportSpecifier(node) && node.name.text === 'default') ||
    (node.kind === ts.SyntaxKind.DefaultKeyword && ts.canHaveModifiers(node.parent))
  if (!isDefault || registries.some((folder) => folder.test(unit.path))) return null
  return 'has a default export outside the registry folders'
}

/** A file named *-program.ts runs as a process of its own. */
function callFault(unit: Unit, node: ts.Node): string | null {
  if (unit.isTest || !unit.path.startsWith('src/') || unit.path.startsWith('src/cli/')) return null
  if (unit.path.endsWith('-program.ts') || !ts.isPropertyAccessExpression(node)) return null
  const chain = node.getText(unit.ast)
  if (/^console\.\w+$/.test(chain)) return `calls ${chain} outside src/cli`
  return /^process\.(exit|exitCode)$/.test(chain) ? `uses ${chain} outside src/cli` : null
}

function skipFault(unit: Unit, node: ts.Node): string | null {
  if (!ts.isPropertyAccessExpression(node) || !testCalls.test(node.getText(unit.ast))) return null
  const word = node.name.text
  if (word === 'only') return 'runs .only some tests'
  if (word !== 'skip' && word !== 'todo') return null
  const above = unit.text.split('\n')[lineOf(unit.ast, node) - 2] ?? ''
  return above.trim().startsWith('//') ? null : `uses .${word} without a reason in a comment above`
}

function importTimeFault(unit: Unit, node: ts.Node): string | null {
  if (unit.isTest || !unit.path.startsWith('src/') || unit.path.endsWith('-program.ts')) return null
  return ts.isExpressionStatement(node) && ts.isSourceFile(node.parent)
    ? 'works at import time'
    : null
}

function fault(unit: Unit, line: number, sentence: string): Fault {
  return { rule: 'manners', path: unit.path, line, sentence }
}
