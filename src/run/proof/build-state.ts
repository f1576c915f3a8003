/** Holds the files of the detector against the manifest it was built with: what is missing is never green. */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { extname, join } from 'node:path'
import type { BuildState } from '../../model/detector.ts'
import { packageRoot } from '../../registry.ts'

const folders = ['suites', 'fixtures/mutants', 'fixtures/controls'] as const

export interface BuildFiles {
  /** Folder of the package. */
  readonly root: string
  /** True where sources run as they are, false for the compiled files in `dist`. */
  readonly fromSource: boolean
}

/** Compares every part by digest; a manifest that is missing is a fault itself. */
export function readBuildState(
  { root, fromSource }: BuildFiles = {
    root: packageRoot(),
    fromSource: import.meta.url.endsWith('.ts'),
  },
): BuildState {
  const wanted = readJson<string>(join(root, 'fixtures', 'manifest.json'))
  const built = fromSource
    ? {}
    : readJson<{ source: string; output: string }>(join(root, 'dist', 'manifest.json'))
  if (wanted === null || built === null)
    return { faults: ['the manifest of the build is missing'], parts: 0 }
  const found = new Map(partsIn(root, fromSource).map((file) => [file.part, file]))
  const missing = Object.keys(wanted).filter((part) => !found.has(part))
  const added = [...found.keys()].filter((part) => !Object.hasOwn(wanted, part))
  const changed = [...found.values()].filter(({ part, path, compiled }) => {
    if (!Object.hasOwn(wanted, part)) return false
    const entry = compiled ? built[part] : undefined
    return compiled
      ? entry?.source !== wanted[part] || entry?.output !== digestOf(path)
      : digestOf(path) !== wanted[part]
  })
  return {
    faults: [
      ...missing.map((part) => `${part} is missing`),
      ...changed.map(({ part }) => `${part} is not what was built`),
      ...added.map((part) => `${part} was added`),
    ],
    parts: Object.keys(wanted).length,
  }
}

interface PartFile {
  /** Path without extension, as the manifest names it. */
  readonly part: string
  readonly path: string
  readonly compiled: boolean
}

/** What this process would load: SQL as it lies there, modules as sources or compiled. */
function partsIn(root: string, fromSource: boolean): readonly PartFile[] {
  return folders.flatMap((folder) => [
    ...filesIn(root, folder, '.sql').map((file) => ({ ...file, compiled: false })),
    ...(fromSource
      ? filesIn(root, folder, '.ts').map((file) => ({ ...file, compiled: false }))
      : filesIn(join(root, 'dist'), folder, '.js').map((file) => ({ ...file, compiled: true }))),
  ])
}

function filesIn(
  root: string,
  folder: string,
  suffix: string,
): readonly Omit<PartFile, 'compiled'>[] {
  if (!existsSync(join(root, folder))) return []
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter(({ name }) => extname(name) === suffix && !/\.(test|d)\.\w+$/.test(name))
    .map((entry) => {
      const path = join(entry.parentPath, entry.name)
      const part = path.slice(root.length + 1, -suffix.length).replaceAll('\\', '/')
      return { part, path }
    })
    .filter((entry) => !entry.part.split('/').some((name) => name.startsWith('.')))
}

/** Line ends are a matter of the checkout. */
function digestOf(path: string): string {
  const text = readFileSync(path, 'utf8').replaceAll('\r\n', '\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 20)
}

function readJson<T>(path: string): Readonly<Record<string, T>> | null {
  return existsSync(path)
    ? (JSON.parse(readFileSync(path, 'utf8')) as Readonly<Record<string, T>>)
    : null
}
