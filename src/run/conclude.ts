/** The end of a run: report, files and decision, or the error when there is nothing to report. */

import type { Report } from '../model/report.ts'
import type { RunContext } from './running.ts'
import { buildReport } from './store/build-report.ts'
import type { RunDirectory } from './store/run-directory.ts'
import { writeReports } from './store/write-reports.ts'

export interface Executed {
  readonly report: Report
  readonly directory: RunDirectory
}

/** Report, files and exit code. @throws what failed when there is nothing to report. */
export async function conclude(context: RunContext): Promise<Executed> {
  const { material, directory } = context
  // Nothing seeded, nothing judged: that is an error of its own, not a report.
  if (
    material.failure !== null &&
    material.verdicts.length === 0 &&
    context.interruptedBy() === null &&
    context.open.died() === null
  )
    throw material.failure
  const startedMs = performance.now()
  const report = await buildReport(context)
  await writeReports(report, { directory, formats: context.settings.reporter })
  context.onStage?.('report', performance.now() - startedMs, directory.path)
  return { report, directory }
}
