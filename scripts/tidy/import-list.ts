/** Every way a file names another: static, dynamic, required, or in a type. */

import { posix } from 'node:path'
import ts from 'typescript'
import { lineOf, nodesBelow } from './syntax.ts'

export interface Import {
  /** Path from the root for a relative import, else the name of the package or `node:` module. */
  readonly target: string
  readonly isRelative: boolean
  /** Erased by the compiler, so it cannot close a cycle at run time. */
  readonly isTypeOnly: boolean
  readonly line: number
}

export function importsOf(ast: ts.SourceFile, path: string): readonly Import[] {
  return [...nodesBelow(ast)].flatMap((node) => importOf(ast, path, node) ?? [])
}

function importOf(ast: ts.SourceFile, path: string, node: ts.Node): Import | null {
  const specifier = specifierOf(node)
  if (specifier === null) return null
  const isRelative = specifier.startsWith('.')
  return {
    target: isRelative ? posix.join(posix.dirname(path), specifier) : packageOf(specifier),
    isRelative,
    isTypeOnly: isErased(node),
    line: lineOf(ast, node),
  }
}

function specifierOf(node: ts.Node): string | null {
  if (
    (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) &&
    node.moduleSpecifier !== undefined
  ) {
    return ts.isStringLiteral(node.moduleSpecifier) ? node.moduleSpecifier.text : null
  }
  if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    return ts.isStringLiteral(node.argument.literal) ? node.argument.literal.text : null
  }
  if (!ts.isCallExpression(node)) return null
  const isImport = node.expression.kind === ts.SyntaxKind.ImportKeyword
  const isRequire = ts.isIdentifier(node.expression) && node.expression.text === 'require'
  const [argument] = node.arguments
  return (isImport || isRequire) && argument !== undefined && ts.isStringLiteral(argument)
    ? argument.text
    : null
}

function isErased(node: ts.Node): boolean {
  if (ts.isImportDeclaration(node)) return node.importClause?.isTypeOnly ?? false
  return ts.isImportTypeNode(node) || (ts.isExportDeclaration(node) && node.isTypeOnly)
}

function packageOf(specifier: string): string {
  const parts = specifier.split('/')
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier)
}
