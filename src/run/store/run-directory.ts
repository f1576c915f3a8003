/** The run directory: saved at the start, appended to as things happen, completed at the end. */

import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { randomBytes } from 'node:crypto'
import { basename, dirname, join, resolve } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'

/** What a run is, before anything of it happened. */
export interface RunStart {
  readonly command: string
  readonly startedAt: Date
  readonly settings: unknown
}

/** The one place of the last run that ended before anything was seen. */
const failedStart = 'failed-start'
/** Content of the directory of a run that saw nothing. */
const bareFiles: readonly string[] = ['run.json', 'transcripts']

export class RunDirectory {
  readonly id: string
  readonly path: string
  readonly #parent: string

  /**
   * Makes the directory, proves that it can be written to, and points reports/latest at it: whatever
   * happens to this run, nobody takes the one before for it.
   * @throws WatertightError WATERTIGHT_CANNOT_WRITE.
   */
  constructor(output: string, start: RunStart) {
    this.id = `${start.startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}Z-${randomBytes(2).toString('hex')}`
    this.#parent = resolve(output)
    this.path = join(this.#parent, this.id)
    this.#guard(() => {
      makeDirectory(join(this.path, 'transcripts'))
    })
    this.writeJson('run.json', startOf(start))
    this.#guard(() => {
      pointLatest(this.#parent, this.id)
    })
  }

  write(name: string, content: string): void {
    this.#guard(() => {
      const temporary = join(this.path, `${name}.${process.pid}.tmp`)
      writeFileSync(temporary, content)
      renameSync(temporary, join(this.path, name))
    })
  }

  writeJson(name: string, value: unknown): void {
    this.write(name, `${JSON.stringify(value, null, 2)}\n`)
  }

  /** One line of JSON, on disk when this returns. */
  append(name: string, value: unknown): void {
    this.appendLine(name, JSON.stringify(value))
  }

  appendLine(name: string, line: string): void {
    this.#guard(() => {
      appendFileSync(join(this.path, name), `${line}\n`)
    })
  }

  /** Points reports/latest here; another run may have done the same meanwhile. */
  markLatest(): void {
    this.#guard(() => {
      pointLatest(this.#parent, this.id)
    })
  }

  /** A run that ends with an error leaves its reason; its directory stays only when something was seen. */
  abandon(start: RunStart, error: unknown): void {
    const hasSeen =
      existsSync(this.path) && readdirSync(this.path).some((name) => !bareFiles.includes(name))
    if (hasSeen) {
      this.#guard(() => {
        this.writeJson('failure.json', failureOf(start, error))
      })
      return
    }
    noteFailedStart(this.#parent, start, error)
    rmSync(this.path, { recursive: true, force: true })
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      if (error instanceof WatertightError) throw error
      throw new WatertightError(
        'WATERTIGHT_CANNOT_WRITE',
        `The report directory ${this.path} cannot be written: ${messageOf(error)}`,
        { hint: 'Free space, or choose another directory with --output', cause: error },
      )
    }
  }
}

/**
 * Points reports/latest at the reason why a run did not start, so that the run before is not taken for
 * it. Does nothing where there are no reports; never throws, because the reason itself is on its way.
 */
export function noteFailedStart(output: string, start: RunStart, error: unknown): void {
  const parent = resolve(output)
  if (!existsSync(parent)) return
  try {
    const directory = join(parent, failedStart)
    rmSync(directory, { recursive: true, force: true })
    mkdirSync(directory)
    writeFileSync(
      join(directory, 'failure.json'),
      `${JSON.stringify(failureOf(start, error), null, 2)}\n`,
    )
    pointLatest(parent, failedStart)
  } catch {
    // A directory that takes nothing holds no link either; without it `check` finds no report.
    rmSync(join(parent, 'latest'), { force: true })
  }
}

function startOf({ command, startedAt, settings }: RunStart): object {
  return { command, startedAt: startedAt.toISOString(), settings }
}

function failureOf({ command, startedAt }: RunStart, error: unknown): object {
  return {
    command,
    startedAt: startedAt.toISOString(),
    code: error instanceof WatertightError ? error.code : 'WATERTIGHT_INTERNAL',
    message: messageOf(error),
  }
}

function pointLatest(parent: string, name: string): void {
  const link = join(parent, 'latest')
  const temporary = `${link}.${process.pid}.${randomBytes(2).toString('hex')}`
  symlinkSync(basename(name), temporary, process.platform === 'win32' ? 'junction' : 'dir')
  try {
    renameSync(temporary, link)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw error
  }
}

/** One level after the other: asked for all at once, Node tries for ever where /proc says ENOENT. */
function makeDirectory(path: string): void {
  if (existsSync(path)) return
  if (dirname(path) !== path) makeDirectory(dirname(path))
  try {
    mkdirSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}
