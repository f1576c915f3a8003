/** The summary a terminal shows at the end of a run: the answer first, then what it rests on. */

import { styleText } from 'node:util'
import type { Finding } from '../model/finding.ts'
import type { Report, ServerScore } from '../model/report.ts'
import type { SearchSummary } from '../model/search-summary.ts'
import { generatedLine, setAsideLine } from './generated.ts'
import { severities } from '../model/verdict.ts'
import { notableMeasurements } from './notable.ts'
import { columns, labelled, wrapped } from './layout.ts'
import { counted, formatCount, formatRatio } from './number.ts'
import { shortened, visible } from './text.ts'
import { unexaminedLine } from './unexamined.ts'
import { isAsWritten, worldSummaries } from './world-summary.ts'

export interface SummaryOptions {
  readonly color: boolean
  /** Columns of the terminal; fewer than 40 count as 40. */
  readonly width: number
  /** Path that the last line names. Default `reports/latest/report.html`. */
  readonly reportPath?: string
}

type Color = 'red' | 'green' | 'yellow' | 'dim' | 'bold'
interface Screen {
  readonly width: number
  paint(color: Color, text: string): string
}

const findingsMax = 10

/** Plain text with a final newline; values of tenants cannot carry terminal sequences into it. */
export function renderSummary(report: Report, options: SummaryOptions): string {
  const screen: Screen = {
    width: Math.max(options.width, 40),
    paint: (color, text) =>
      options.color ? styleText(color, text, { validateStream: false }) : text,
  }
  const blocks = [
    headline(report, screen),
    worldTable(report, screen),
    findingLines(report, screen),
    asWrittenLines(report, screen),
    facts(report, screen),
    gateLines(report, screen),
    [labelled('Report', options.reportPath ?? 'reports/latest/report.html', screen.width)],
  ]
  return `${blocks
    .filter((block) => block.length > 0)
    .map((block) => block.join('\n'))
    .join('\n\n')}\n`
}

function headline(report: Report, { paint, width }: Screen): string[] {
  const { verdict, run, target, tool } = report
  const unexamined = unexaminedLine(report)
  const color = verdict.exitCode === 0 ? 'green' : verdict.exitCode === 1 ? 'red' : 'yellow'
  const origin =
    `watertight ${tool.version}, ${run.command}, PostgreSQL ${target.serverVersion} (${target.kind}), ` +
    `seed ${run.seed}, ${(run.durationMs / 1000).toFixed(1)} s`
  return [
    ...wrapped(visible(origin), width).map((line) => paint('dim', line)),
    `${paint(color, verdict.word.toUpperCase())}  exit ${verdict.exitCode}`,
    ...wrapped(shortened(visible(verdict.sentence), 400), width),
    ...(unexamined === null ? [] : wrapped(unexamined, width).map((line) => paint('yellow', line))),
  ]
}

function worldTable(report: Report, { paint, width }: Screen): string[] {
  const rows = worldSummaries(report).map((each) => [
    isAsWritten(each) ? `${each.key} *` : each.key,
    String(each.probes),
    `${formatCount(each.cellsTried)}/${formatCount(each.cellsAsked)}`,
    formatCount(each.cases),
    each.leaks > 0 ? `${formatCount(each.leaks)} ✗` : '0',
  ])
  if (rows.length === 0) return [paint('yellow', 'No world was judged.')]
  const [header, ...body] = columns(
    [['world', 'probes', 'cells', 'cases', 'leaks'], ...rows],
    width,
  )
  return [
    paint('bold', header ?? ''),
    ...body.map((line) => (line.endsWith('✗') ? paint('red', line) : line)),
  ]
}

function findingLines(report: Report, { paint, width }: Screen): string[] {
  const gating = report.findings.filter((finding) => finding.gating)
  const lines = gating
    .slice(0, findingsMax)
    .flatMap((finding) => [
      `${paint('red', `✗ ${finding.severity}`)}  ${visible(finding.object)}, ${visible(finding.command)}, ` +
        `${finding.world.tenancy}`,
      ...wrapped(shortened(visible(finding.title), 240), width - 2).map((line) => `  ${line}`),
      `  watertight replay ${visible(finding.id)}`,
    ])
  const hidden = gating.length - findingsMax
  return hidden > 0 ? [...lines, `… and ${counted(hidden, 'more finding')} in report.html`] : lines
}

function asWrittenLines(report: Report, { width }: Screen): string[] {
  const findings = report.findings.filter((finding) => !finding.gating)
  if (findings.length === 0) return []
  return wrapped(
    `* The seed document's SQL as written has ${counted(findings.length, 'finding')} ` +
      `(${bySeverity(findings)}). They are reported and do not shut the gate.`,
    width,
  )
}

function bySeverity(findings: readonly Finding[]): string {
  return severities
    .map(
      (severity) =>
        [findings.filter((each) => each.severity === severity).length, severity] as const,
    )
    .filter(([count]) => count > 0)
    .map(([count, severity]) => `${formatCount(count)} ${severity}`)
    .join(', ')
}

function facts(report: Report, { width }: Screen): string[] {
  const { mutants, controls, coverage } = report
  const pools = coverage.poolers.map((pooler) => {
    if (pooler.tested) return `${visible(pooler.title)}: tested`
    return `${visible(pooler.title)}: not tested${
      pooler.hint === null ? `, ${visible(pooler.reason)}` : `; to test it: ${visible(pooler.hint)}`
    }`
  })
  const speed = notableMeasurements(report.measurements).map(
    ({ variant, query, ratio, interval, capped }) =>
      `${visible(variant)}, ${visible(query)}: ${formatRatio(ratio)} ` +
      `(${formatRatio(interval.low)} to ${formatRatio(interval.high)})${capped ? ', few samples' : ''}`,
  )
  const detector =
    mutants.total === 0
      ? []
      : [
          `${mutants.killed}/${mutants.total} mutants killed${
            mutants.classes === undefined ? '' : ` of ${mutants.classes.tried} classes`
          }, ` + `${controls.silent}/${controls.total} controls silent`,
        ]
  const search = report.search === undefined ? [] : searchLine(report.search)
  return [
    ...search.map((line, index) => labelled(index === 0 ? 'Search' : '', line, width)),
    ...pools.map((line, index) => labelled(index === 0 ? 'Pool' : '', line, width)),
    ...detector.map((line) => labelled('Detector', line, width)),
    ...mutants.survived.map((each) => labelled('Survivor', visible(each.id), width)),
    ...controls.noisy.map((each) => labelled('Noisy', visible(each.id), width)),
    ...generatedLines(report.generated).map((line, index) =>
      labelled(index === 0 ? 'Generated' : '', visible(line), width),
    ),
    ...(report.servers ?? []).map((server, index) =>
      labelled(index === 0 ? 'Servers' : '', serverLine(server), width),
    ),
    ...speed.map((line, index) => labelled(index === 0 ? 'Speed' : '', line, width)),
  ]
}

function generatedLines(score: Report['generated']): readonly string[] {
  if (score === undefined) return []
  return [
    generatedLine(score),
    setAsideLine(score),
    ...score.survivors.map(({ id, kind, title }) => `${id} survived, ${kind}: ${title}`),
  ]
}

/** Nothing where every cell was asked once and nothing was known before. */
function searchLine({
  budgetMs,
  workers,
  firstPassMs,
  rounds,
  cases,
  sqlstates,
  planShapes,
  known,
}: SearchSummary) {
  const further =
    budgetMs === null
      ? []
      : firstPassMs === null
        ? [`${budgetMs / 1000} s given: they were over before every cell was asked`]
        : [
            `${budgetMs / 1000} s given: every cell asked after ${(firstPassMs / 1000).toFixed(1)} s, then ` +
              `${counted(cases, 'further case')} in ${counted(rounds, 'round')}, ${counted(planShapes, 'plan')}, ` +
              `${counted(sqlstates, 'SQLSTATE')}`,
          ]
  const threads = workers === 1 ? [] : [`${workers} threads`]
  const again =
    known.tried === 0
      ? []
      : [
          `${counted(known.tried, 'known counterexample')} tried first, ${known.leaking} still leaking`,
        ]
  return [...further, ...threads, ...again]
}

function serverLine({ version, defects }: ServerScore): string {
  const affected = defects.filter((each) => each.affected)
  const names = new Set(affected.map(({ id }) => id))
  const caught = new Set(affected.filter(({ seen }) => seen === 'caught').map(({ id }) => id))
  return `${visible(version)}: ${counted(names.size, 'known defect')}, ${caught.size} caught by an attack`
}

function gateLines(report: Report, { paint, width }: Screen): string[] {
  return report.gates.map((gate) => {
    const line = labelled(gate.state, `${visible(gate.expression)} → ${visible(gate.value)}`, width)
    return paint(gate.state === 'open' ? 'green' : gate.state === 'shut' ? 'red' : 'yellow', line)
  })
}
