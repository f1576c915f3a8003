/** Reads a report, validates it, decides it again with the same rules or with others. */

import { WatertightError } from '../errors.ts'
import { decide } from '../gate/decide.ts'
import { rulesFrom } from '../gate/rules.ts'
import type { Report } from '../model/report.ts'
import { renderSummary } from '../report/console.ts'
import { reportSchema } from '../report/schema.ts'
import { readReportFile } from '../run/store/run-directory.ts'

/** Prints the decision and returns its exit code. @throws as `checkedReport` does. */
export function checkRun(path: string, options: Readonly<Record<string, unknown>>): number {
  const decided = checkedReport(path, options)
  process.stdout.write(
    options['json'] === true
      ? `${JSON.stringify({ verdict: decided.verdict, gates: decided.gates }, null, 2)}\n`
      : renderSummary(decided, { color: false, width: 100, reportPath: path }),
  )
  return decided.verdict.exitCode
}

/** @throws WatertightError WATERTIGHT_NO_REPORT, WATERTIGHT_BAD_REPORT or WATERTIGHT_BAD_RULE. */
export function checkedReport(path: string, options: Readonly<Record<string, unknown>>): Report {
  const parsed = reportSchema.safeParse(readReportFile(path))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new WatertightError(
      'WATERTIGHT_BAD_REPORT',
      `${path} is no report of this version: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
      { hint: 'It was changed, cut off, or written by another version' },
    )
  }
  const report = parsed.data as Report
  const used = (name: string) => report.settings[name]?.value
  const rules = rulesFrom({
    failOn: options['failOn'] ?? used('failOn'),
    strict: options['strict'] ?? used('strict'),
    maxHardenedOverhead: options['maxOverhead'] ?? used('maxOverhead'),
  })
  return { ...report, ...decide(report, rules) }
}
