/** Sources as the compiler sees them: rules ask syntax trees, so that a string or a comment never trips one. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { importsOf, type Import } from './import-list.ts'

export interface Fault {
  readonly rule: string
  /** Path from the root, with forward slashes. */
  readonly path: string
  /** From 1. */
  readonly line: number
  readonly sentence: string
}

export interface Unit {
  readonly path: string
  readonly text: string
  readonly ast: ts.SourceFile
  readonly isTest: boolean
  readonly imports: readonly Import[]
}

export interface SourceTree {
  readonly root: string
  /** Every file of the source folders. */
  readonly files: readonly string[]
  /** The TypeScript ones, parsed. */
  readonly units: readonly Unit[]
}

const sourceFolders = ['src', 'suites', 'fixtures', 'scripts']

/** Reads the source folders that exist below the root. */
export function readSourceTree(root: string): SourceTree {
  const files = sourceFolders
    .filter((folder) => existsSync(join(root, folder)))
    .flatMap((folder) => filesBelow(root, folder))
  const units = files.filter((path) => /\.tsx?$/.test(path)).map((path) => parse(root, path))
  return { root, files, units }
}

function filesBelow(root: string, folder: string): readonly string[] {
  return readdirSync(join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`
      return entry.isDirectory() ? filesBelow(root, path) : [path]
    })
}

function parse(root: string, path: string): Unit {
  const text = readFileSync(join(root, path), 'utf8')
  const ast = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true)
  return { path, text, ast, isTest: /\.test\.tsx?$/.test(path), imports: importsOf(ast, path) }
}
