/** What can be known to be wrong before a server starts is said before a server starts. */

import { findPgbouncer } from '../postgres/programs/pgbouncer.ts'
import { RunDirectory, noteFailedStart, type RunStart } from './store/run-directory.ts'
import type { Executed } from './conclude.ts'
import type { ExecuteOptions } from './running.ts'
import { reportFormats } from './store/write-reports.ts'

/**
 * Works in a run directory of its own. A run that ends with an error before anything was seen leaves no
 * directory, and reports/latest points at the reason.
 */
export async function inRunDirectory<T>(
  options: ExecuteOptions,
  prepare: () => Promise<T>,
  work: (directory: RunDirectory, prepared: T, startedAt: Date) => Promise<Executed>,
): Promise<Executed> {
  const { command, settings, entries } = options
  const start: RunStart = { command, startedAt: new Date(), settings: entries }
  let directory: RunDirectory | null = null
  try {
    await reportFormats(settings.reporter)
    if (settings.pgbouncer !== null) await findPgbouncer(settings.pgbouncer)
    const prepared = await prepare()
    directory = new RunDirectory(settings.output, start)
    return await work(directory, prepared, start.startedAt)
  } catch (error) {
    if (directory === null) noteFailedStart(settings.output, start, error)
    else directory.abandon(start, error)
    throw error
  }
}
