/** Hard limits of size: what does not fit a screen or a head gets split, not scrolled. */

import ts from 'typescript'
import type { Fault, SourceTree, Unit } from './source-tree.ts'
import { lineOf, nodesBelow } from './syntax.ts'

const limits = {
  fileLines: 400,
  probeLines: 200,
  functionLines: 70,
  columns: 120,
  parameters: 3,
  typeParameters: 2,
  exports: 8,
  imports: 15,
  runImports: 20,
} as const

export function sizeFaults(tree: SourceTree): readonly Fault[] {
  return tree.units.flatMap((unit) => [
    ...fileFaults(unit),
    ...lineFaults(unit),
    ...functionFaults(unit),
  ])
}

function fileFaults(unit: Unit): readonly Fault[] {
  const isProbe = /^suites\/[^/]+\/[^/]+\.ts$/.test(unit.path)
  const isExempt =
    ['src/index.ts', 'src/dotmac/index.ts'].includes(unit.path) || unit.path.startsWith('fixtures/')
  const imports = unit.ast.statements.filter((statement) =>
    ts.isImportDeclaration(statement),
  ).length
  const counts: readonly (readonly [string, number, number])[] = [
    [
      'lines',
      unit.text.trimEnd().split('\n').length,
      isProbe ? limits.probeLines : limits.fileLines,
    ],
    [
      'imports',
      imports,
      /^src\/(run|reference)\//.test(unit.path) ? limits.runImports : limits.imports,
    ],
    ['exports', isExempt ? 0 : exportCount(unit.ast), limits.exports],
  ]
  return counts
    .filter(([, count, limit]) => count > limit)
    .map(([what, count, limit]) => ({
      rule: 'size',
      path: unit.path,
      line: 1,
      sentence: `has ${count} ${what}, at most ${limit}`,
    }))
}

/** Types are vocabulary and are erased; what runs is counted. */
function exportCount(ast: ts.SourceFile): number {
  return ast.statements.reduce((sum, statement) => {
    if (ts.isExportDeclaration(statement)) {
      if (statement.isTypeOnly || statement.exportClause === undefined) return sum
      return (
        sum +
        (ts.isNamedExports(statement.exportClause)
          ? statement.exportClause.elements.filter(({ isTypeOnly }) => !isTypeOnly).length
          : 1)
      )
    }
    if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) return sum
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []
    return sum + (modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ? 1 : 0)
  }, 0)
}

/** An address cannot be broken, so a line that holds a long one is let pass. */
function lineFaults({ path, text }: Unit): readonly Fault[] {
  return text.split('\n').flatMap((line, index) => {
    const columns = [...line].length
    if (columns <= limits.columns || /https?:\/\/\S{60,}/.test(line)) return []
    return [
      {
        rule: 'size',
        path,
        line: index + 1,
        sentence: `has ${columns} columns, at most ${limits.columns}`,
      },
    ]
  })
}

/** The functions of a test file are suites, and take what a row of their table holds. */
function functionFaults({ path, ast, isTest }: Unit): readonly Fault[] {
  if (isTest) return []
  return [...nodesBelow(ast)]
    .filter((node) => ts.isFunctionLike(node))
    .flatMap((node) => {
      const first = lineOf(ast, node)
      const lines = ast.getLineAndCharacterOfPosition(node.end).line + 2 - first
      const counts: readonly (readonly [string, number, number])[] = [
        ['lines', lines, limits.functionLines],
        ['parameters', node.parameters.length, limits.parameters],
        ['type parameters', node.typeParameters?.length ?? 0, limits.typeParameters],
      ]
      return counts
        .filter(([, count, limit]) => count > limit)
        .map(([what, count, limit]) => ({
          rule: 'size',
          path,
          line: first,
          sentence: `a function has ${count} ${what}, at most ${limit}`,
        }))
    })
}
