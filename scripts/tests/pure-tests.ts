/**
 * Tests that compute and touch neither servers, processes nor the environment: they share one module graph, because
 * a process for each of them takes longer than what they ask.
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

const machine =
  /^(?:node:child_process|node:cluster|node:worker_threads|pg|playwright-core|hono|eslint)(?:\/|$)/
const statement =
  /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'([^']+)'|\bimport\(\s*'([^']+)'\s*\)/gm
const changesTheProcess =
  /process\.(?:env(?:\.\w+|\[[^\]]+\])\s*=[^=]|chdir|exit|on\b|kill)|\bvi\.|import\.meta\.glob/

interface Module {
  readonly imports: readonly string[]
  readonly isPure: boolean
}

/** Paths of all tests below the root, and those of them that are pure. */
export function testsOf(root: string): {
  readonly all: readonly string[]
  readonly pure: readonly string[]
} {
  const known = new Map<string, Module>()
  const all = ['src', 'suites', 'scripts']
    .flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) =>
        join(folder, name),
      ),
    )
    .filter((path) => /\.test\.tsx?$/.test(path))
    .sort()
  return { all, pure: all.filter((path) => isPure(root, path, known)) }
}

function isPure(root: string, test: string, known: Map<string, Module>): boolean {
  const seen = new Set<string>([test])
  for (const path of seen) {
    const module = known.get(path) ?? read(root, path)
    known.set(path, module)
    if (!module.isPure) return false
    for (const each of module.imports) seen.add(each)
  }
  return true
}

function read(root: string, path: string): Module {
  const text = readFileSync(join(root, path), 'utf8')
  const names = [...text.matchAll(statement)].map(([, still, later]) => still ?? later ?? '')
  const imports = names
    .filter((name) => name.startsWith('.'))
    .map((name) => join(dirname(path), name))
    .filter((name) => existsSync(join(root, name)) && /\.tsx?$/.test(name))
  return {
    imports,
    isPure: !names.some((name) => machine.test(name)) && !changesTheProcess.test(text),
  }
}
