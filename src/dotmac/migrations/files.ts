/** The numbered files of one place: what is there, and whether it is what the database was migrated with. */

import { readdirSync } from 'node:fs'
import { sep } from 'node:path'
import { WatertightError } from '../../errors.ts'

/** Nothing else, because Postgrator leaves out, without a word, what it cannot read. */
const fileName = /^(\d{1,9})\.(do|undo)\.[\w-]+\.sql$/

/** One migration that is to be applied, as Postgrator reads it. */
export interface MigrationFile {
  readonly version: number
  /** Name without folder. */
  readonly name: string
  readonly md5: string | undefined
}

/** A line of the table of versions. */
export interface Applied {
  readonly version: number
  readonly md5: string | null
}

/**
 * The migrations of a folder, in order. Refuses a folder from which nothing, or less than lies there, would be run.
 * @throws WatertightError WATERTIGHT_MIGRATION_FILES.
 */
export function migrationFiles(folder: string): readonly Pick<MigrationFile, 'version' | 'name'>[] {
  let names: readonly string[]
  try {
    names = readdirSync(folder).filter((name) => /\.(sql|[cm]?js)$/i.test(name))
  } catch (cause) {
    throw unreadable(`The folder of migrations ${folder} cannot be read`, cause)
  }
  if (names.length === 0) throw unreadable(`The folder ${folder} holds no migrations`)
  const bad = names.find((name) => !fileName.test(name))
  if (bad !== undefined)
    throw unreadable(`The migration ${JSON.stringify(bad)} in ${folder} has no name that is known`)
  const files = names
    .flatMap((name) => {
      const [, version, action] = fileName.exec(name) ?? []
      return version !== undefined && action === 'do' ? [{ version: Number(version), name }] : []
    })
    .toSorted((a, b) => a.version - b.version)
  const twice = files.find(({ version }, index) => files[index - 1]?.version === version)
  if (twice !== undefined)
    throw unreadable(`Two migrations in ${folder} have the version ${twice.version}`)
  if (files[0]?.version === 0) {
    throw unreadable(`A migration in ${folder} has the version 0, at which every database is`)
  }
  return files
}

function unreadable(sentence: string, cause?: unknown): WatertightError {
  return new WatertightError('WATERTIGHT_MIGRATION_FILES', sentence, {
    hint: 'Files are called 001.do.short-name.sql, each number once, in <service>/migrations/<folder>',
    cause,
  })
}

/** Glob pattern of the folder's files: the folder's own name is no pattern, and separators are slashes everywhere. */
export function patternOf(folder: string): string {
  const path = sep === '\\' ? folder.replaceAll('\\', '/') : folder
  return `${path.replace(/[?*()[\]{}!+@\\]/g, '\\$&')}/*.sql`
}

/**
 * Pure: the first thing in which the files are not those that were run; null when they are.
 * A file that came later with a lower number would never run, and nobody would be told.
 */
export function differenceFrom(
  files: readonly MigrationFile[],
  applied: readonly Applied[],
): string | null {
  const newest = Math.max(0, ...applied.map(({ version }) => version))
  for (const { version, md5 } of applied) {
    const file = files.find((each) => each.version === version)
    if (version === 0) continue
    if (file === undefined) return `version ${version} was run, and its file is gone`
    if (md5 !== file.md5) return `${file.name} was changed after it was run`
  }
  const late = files.find(
    ({ version }) => version < newest && !applied.some((each) => each.version === version),
  )
  return late === undefined ? null : `${late.name} was never run, and version ${newest} was`
}
