/** The run directory: saved at the start, appended to as things happen, completed at the end. */

import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { randomBytes } from 'node:crypto'
import { basename, join, resolve } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'

export class RunDirectory {
  readonly id: string
  readonly path: string
  readonly #parent: string

  /** @throws WatertightError WATERTIGHT_CANNOT_WRITE when the directory cannot be made. */
  constructor(output: string, startedAt: Date) {
    this.id = `${startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}Z-${randomBytes(2).toString('hex')}`
    this.#parent = resolve(output)
    this.path = join(this.#parent, this.id)
    this.#guard(() => {
      mkdirSync(join(this.path, 'transcripts'), { recursive: true })
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
    this.#guard(() => {
      appendFileSync(join(this.path, name), `${JSON.stringify(value)}\n`)
    })
  }

  /** Points reports/latest here; another run may do the same at the same time. */
  markLatest(): void {
    const link = join(this.#parent, 'latest')
    const temporary = `${link}.${process.pid}.${randomBytes(2).toString('hex')}`
    this.#guard(() => {
      symlinkSync(basename(this.path), temporary, process.platform === 'win32' ? 'junction' : 'dir')
      try {
        renameSync(temporary, link)
      } catch (error) {
        rmSync(temporary, { force: true })
        throw error
      }
    })
  }

  #guard(work: () => void): void {
    try {
      work()
    } catch (error) {
      throw new WatertightError(
        'WATERTIGHT_CANNOT_WRITE',
        `The report directory ${this.path} cannot be written: ${messageOf(error)}`,
        { hint: 'Free space, or choose another directory with --output', cause: error },
      )
    }
  }
}

/** Reads report.json of a run directory. @throws WatertightError WATERTIGHT_NO_REPORT. */
export function readReportFile(path: string): unknown {
  try {
    return JSON.parse(
      readFileSync(path.endsWith('.json') ? path : join(path, 'report.json'), 'utf8'),
    )
  } catch (error) {
    throw new WatertightError(
      'WATERTIGHT_NO_REPORT',
      `No report can be read at ${path}: ${messageOf(error)}`,
      { hint: 'Name a run directory or a report.json; watertight run makes one', cause: error },
    )
  }
}
