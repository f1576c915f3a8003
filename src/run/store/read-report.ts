/** Reads stored runs, and says of one without a report why it has none. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'

/** Reads report.json of a run directory. @throws WatertightError WATERTIGHT_NO_REPORT. */
export function readReportFile(path: string): unknown {
  try {
    return JSON.parse(
      readFileSync(path.endsWith('.json') ? path : join(path, 'report.json'), 'utf8'),
    )
  } catch (error) {
    throw new WatertightError('WATERTIGHT_NO_REPORT', whyNone(path, error), {
      hint: 'Name a run directory or a report.json; watertight run makes one',
      cause: error,
    })
  }
}

function whyNone(path: string, error: unknown): string {
  const failure = readIfThere(join(path, 'failure.json'))
  if (failure !== null) {
    const reason = `${textOf(failure, 'code')}: ${textOf(failure, 'message')}`
    return `${nameOf(path, failure)} judged nothing: ${reason}`
  }
  const run = readIfThere(join(path, 'run.json'))
  if (run !== null)
    return `${nameOf(path, run)} has no report: it is not finished, or was ended from outside`
  return `No report can be read at ${path}: ${messageOf(error)}`
}

function nameOf(path: string, run: Readonly<Record<string, unknown>>): string {
  return `The run at ${path} (${textOf(run, 'command')} of ${textOf(run, 'startedAt')})`
}

function readIfThere(path: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  } catch {
    return null
  }
}

function textOf(object: Readonly<Record<string, unknown>>, key: string): string {
  const value = object[key]
  return typeof value === 'string' ? value : 'unknown'
}
