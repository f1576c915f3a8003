/** Reads a report, validates it, decides it again with the same rules or with others, and says how old it is. */

import { optionalDuration } from '../config/parse.ts'
import { badSetting } from '../config/setting-names.ts'
import { messageOf, WatertightError } from '../errors.ts'
import { decide } from '../gate/decide.ts'
import { rulesFrom, type GateRules } from '../gate/rules.ts'
import type { GateResult, Report } from '../model/report.ts'
import { renderSummary } from '../report/console.ts'
import { reportSchema } from '../report/schema.ts'
import { readReportFile } from '../run/store/read-report.ts'

/** Prints the decision and returns its exit code. @throws as `checkedReport` does. */
export function checkRun(path: string, options: Options): number {
  const decided = checkedReport(path, options)
  const { run, tool, verdict, gates } = decided
  const ageMs = ageOf(decided)
  const { id, command, startedAt, finishedAt } = run
  const told = { id, command, startedAt, finishedAt, ageMs, commit: tool.commit }
  process.stdout.write(
    options['json'] === true
      ? `${JSON.stringify({ run: told, verdict, gates }, null, 2)}\n`
      : `run ${id}, ${command}, finished ${finishedAt} (${ageText(ageMs)}), ` +
          `commit ${tool.commit?.slice(0, 12) ?? 'unknown'}\n` +
          renderSummary(decided, { color: false, width: 100, reportPath: path }),
  )
  return decided.verdict.exitCode
}

type Options = Readonly<Record<string, unknown>>

/** @throws WatertightError WATERTIGHT_NO_REPORT, WATERTIGHT_BAD_REPORT or WATERTIGHT_BAD_RULE. */
export function checkedReport(path: string, options: Options): Report {
  const report = validReport(path)
  return {
    ...report,
    ...decide(report, rulesOf(report, options), ageGates(report, options['maxAge'])),
  }
}

/** @throws WatertightError WATERTIGHT_NO_REPORT or WATERTIGHT_BAD_REPORT. */
export function validReport(path: string): Report {
  const parsed = reportSchema.safeParse(readReportFile(path))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new WatertightError(
      'WATERTIGHT_BAD_REPORT',
      `${path} is no report of this version: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
      { hint: 'It was changed, cut off, or written by another version' },
    )
  }
  return parsed.data as Report
}

/** The rules of the stored run, or others where they are given. @throws WatertightError WATERTIGHT_BAD_RULE. */
export function rulesOf(report: Report, options: Options): GateRules {
  const used = (name: string) => report.settings[name]?.value
  return rulesFrom({
    failOn: options['failOn'] ?? used('failOn'),
    strict: options['strict'] ?? used('strict'),
    maxHardenedOverhead: options['maxOverhead'] ?? used('maxOverhead'),
    allowPartial: options['allowPartial'] ?? used('allowPartial'),
  })
}

/** Clocks of two machines differ a little; more than this in the future is no age. */
const clockSkewMs = 60_000
const ageMaxMs = 10 * 365 * 86_400_000

function ageOf({ run }: Report): number {
  return Date.now() - Date.parse(run.finishedAt)
}

/** A gate only where an age is asked for. @throws WatertightError WATERTIGHT_BAD_SETTING. */
function ageGates(report: Report, maxAge: unknown): readonly GateResult[] {
  if (maxAge === undefined) return []
  const limitMs = durationOf(maxAge)
  const ageMs = ageOf(report)
  const isFresh = ageMs <= limitMs && ageMs >= -clockSkewMs
  const gate = {
    id: 'age',
    kind: 'coverage' as const,
    expression: `age <= ${String(maxAge)}`,
    value: ageText(ageMs),
  }
  return [
    isFresh
      ? { ...gate, state: 'open', reason: 'The report is fresh enough' }
      : { ...gate, state: 'undecided', reason: `The report was finished ${ageText(ageMs)}` },
  ]
}

function durationOf(raw: unknown): number {
  try {
    const limitMs = optionalDuration(1, ageMaxMs).parse(raw)
    if (limitMs !== null) return limitMs
    throw new Error('it must be a time')
  } catch (error) {
    throw badSetting('--max-age', raw, messageOf(error))
  }
}

function ageText(ageMs: number): string {
  if (ageMs < -clockSkewMs) return 'in the future'
  const units = [
    ['day', 86_400_000],
    ['hour', 3_600_000],
    ['minute', 60_000],
  ] as const
  const unit = units.find(([, ms]) => ageMs >= ms)
  if (unit === undefined) return 'less than a minute ago'
  const count = Math.floor(ageMs / unit[1])
  return `${count} ${unit[0]}${count === 1 ? '' : 's'} ago`
}
