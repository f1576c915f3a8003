/** Judges a run directory again, prints what differs, and writes a report of its own where one is asked for. */

import { dirname } from 'node:path'
import { loadProbes } from '../probe/load-probes.ts'
import { renderSummary } from '../report/console.ts'
import { visible } from '../report/text.ts'
import { judgeReport, type JudgedAgain } from '../run/judge-report.ts'
import { readObservations } from '../run/store/read-observations.ts'
import { RunDirectory } from '../run/store/run-directory.ts'
import { writeReports } from '../run/store/write-reports.ts'
import { rulesOf, validReport } from './check-run.ts'

/** Returns the exit code of the new decision. @throws WatertightError when there is nothing to judge. */
export async function judgeRun(
  path: string,
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const stored = validReport(path)
  const again = judgeReport(stored, {
    observations: readObservations(path.endsWith('.json') ? dirname(path) : path),
    probes: await loadProbes(),
    rules: rulesOf(stored, options),
  })
  const output = options['output']
  const written = typeof output === 'string' ? await write(again, output) : null
  const { report, cells, differences, kept } = again
  const { verdict, gates } = report
  process.stdout.write(
    options['json'] === true
      ? `${JSON.stringify({ run: report.run.id, cells, differences, kept, verdict, gates, written }, null, 2)}\n`
      : textOf(again) +
          renderSummary(report, { color: false, width: 100, reportPath: written ?? path }),
  )
  return verdict.exitCode
}

/** The run that was judged stays as it is. */
async function write({ report, differences, kept }: JudgedAgain, output: string): Promise<string> {
  const startedAt = new Date()
  const { id: judged } = report.run
  const directory = new RunDirectory(output, { command: 'judge', startedAt, settings: { judged } })
  directory.writeJson('differences.json', { judged, differences, kept })
  const formats = report.settings['reporter']?.value
  await writeReports(
    { ...report, run: { ...report.run, id: directory.id } },
    { directory, formats: Array.isArray(formats) ? formats.map(String) : [] },
  )
  return directory.path
}

function textOf({ report, cells, differences, kept }: JudgedAgain): string {
  const lines = [
    `run ${report.run.id}: ${cells} cells judged again from what they saw, ${differences.length} differ`,
    ...differences.map(({ probe, world, object, path, before, after, in: parts }) =>
      before.outcome === after.outcome && before.reason === after.reason
        ? `differs  ${probe} in ${world}, ${object} (${path}): ${before.outcome}, with other ${parts.join(', ')}`
        : `differs  ${probe} in ${world}, ${object} (${path}): was ${before.outcome} (${before.reason}), ` +
          `is ${after.outcome} (${after.reason})`,
    ),
    ...kept.map(
      ({ probe, world, cells: count, why }) =>
        `kept     ${probe} in ${world}: ${count} cells as they were stored, ${why}`,
    ),
  ]
  return `${lines.map((line) => visible(line)).join('\n')}\n\n`
}
