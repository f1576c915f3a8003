/** One word per idea: few words, and only in the names that others read: folders, files and exports. */

import ts from 'typescript'
import type { Fault, SourceTree, Unit } from './source-tree.ts'
import { lineOf } from './syntax.ts'

const banned: Readonly<Record<string, string>> = {
  helper: 'name what it does',
  helpers: 'name what they do',
  util: 'name what it does',
  utils: 'name what they do',
  misc: 'name what it is',
  conn: 'session',
  marker: 'canary',
  introspect: 'survey',
  introspection: 'catalog',
  repro: 'replay',
  org: 'tenant',
  mode: 'tenancy',
  threshold: 'gate',
}

export function wordFaults(tree: SourceTree): readonly Fault[] {
  return [
    ...tree.files
      .filter((path) => !path.startsWith('fixtures/'))
      .flatMap((path) => faultsOf(path, path, 1)),
    ...tree.units.flatMap((unit) =>
      exportedNames(unit).flatMap(({ name, line }) => faultsOf(name, unit.path, line)),
    ),
  ]
}

function faultsOf(name: string, path: string, line: number): readonly Fault[] {
  return wordsOf(name)
    .filter((word) => Object.hasOwn(banned, word) && !isTheirs(word, path))
    .map((word) => ({
      rule: 'words',
      path,
      line,
      sentence: `says "${word}" in ${name}: ${banned[word] ?? ''}`,
    }))
}

/** `mode` is also a flag of the command line and a permission of a file. */
function isTheirs(word: string, path: string): boolean {
  return word === 'mode' && /^src\/(cli|postgres)\//.test(path)
}

function wordsOf(name: string): readonly string[] {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
}

function exportedNames({ ast }: Unit): readonly { readonly name: string; readonly line: number }[] {
  return ast.statements.flatMap((statement) => {
    const modifiers = ts.canHaveModifiers(statement) ? (ts.getModifiers(statement) ?? []) : []
    if (!modifiers.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return []
    const declarations = ts.isVariableStatement(statement)
      ? statement.declarationList.declarations
      : [statement]
    return declarations.flatMap((declaration) => {
      const { name } = declaration as { readonly name?: ts.Node }
      return name === undefined ? [] : [{ name: name.getText(ast), line: lineOf(ast, declaration) }]
    })
  })
}
