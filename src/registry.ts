/** Folders are registries: a new probe, gauge, mutant or report format is one file found by reading. */

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { messageOf, WatertightError } from './errors.ts'

export interface Registered<T> {
  /** File name without its extension. */
  readonly id: string
  readonly value: T
}

/** Folder of the package that this module belongs to, from sources and from a build alike. */
export function packageRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!isPackageRoot(folder)) {
    const parent = dirname(folder)
    if (parent === folder) {
      throw new WatertightError(
        'WATERTIGHT_BROKEN_INSTALL',
        'The package folder of watertight was not found',
        { hint: 'Reinstall the package', exitCode: 70 },
      )
    }
    folder = parent
  }
  return folder
}

/**
 * Every default export below a folder of the package, sorted by file name.
 * @throws WatertightError WATERTIGHT_BAD_REGISTRY that lists all faults together.
 */
export async function loadFolder<T>(
  folder: string,
  validate: (value: unknown, id: string) => T,
): Promise<readonly Registered<T>[]> {
  const faults: string[] = []
  const loaded: Registered<T>[] = []
  for (const { id, path } of modulesIn(folder)) {
    try {
      const module = (await import(/* @vite-ignore */ pathToFileURL(path).href)) as {
        default?: unknown
      }
      if (module.default === undefined) throw new Error('it has no default export')
      loaded.push({ id, value: validate(module.default, id) })
    } catch (error) {
      faults.push(`${folder}/${id}: ${messageOf(error)}`)
    }
  }
  if (faults.length > 0) {
    throw new WatertightError(
      'WATERTIGHT_BAD_REGISTRY',
      `${faults.length} files cannot be used: ${faults.join('; ')}`,
      { hint: 'Each file must default-export what its folder is for', exitCode: 70 },
    )
  }
  return loaded
}

/** Modules of a folder in the form this process runs: sources under a test runner, else the build. */
export function modulesIn(
  folder: string,
): readonly { readonly id: string; readonly path: string }[] {
  const fromSource = import.meta.url.endsWith('.ts')
  const directory = join(packageRoot(), ...(fromSource ? [] : ['dist']), folder)
  if (!existsSync(directory)) return []
  const suffix = fromSource ? '.ts' : '.js'
  return readdirSync(directory)
    .filter((name) => name.endsWith(suffix) && !name.endsWith('.d.ts') && !name.includes('.test.'))
    .sort()
    .map((name) => ({ id: name.slice(0, -suffix.length), path: join(directory, name) }))
}

function isPackageRoot(folder: string): boolean {
  const file = join(folder, 'package.json')
  if (!existsSync(file)) return false
  return (JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown }).name === 'watertight'
}
