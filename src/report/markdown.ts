/** A short summary for job pages of CI systems: the verdict, the gates, the worlds, the findings. */

import type { Finding } from '../model/finding.ts'
import type { DefectScore, Report } from '../model/report.ts'
import { defectRows, missText } from './defect-table.ts'
import { generatedLine, setAsideLine } from './generated.ts'
import { notableMeasurements } from './notable.ts'
import { counted, formatCount, formatRatio } from './number.ts'
import { shortened, visible } from './text.ts'
import { unexaminedLine } from './unexamined.ts'
import { worldSummaries } from './world-summary.ts'

const findingsMax = 20

/** GitHub-flavoured; every value is escaped, so a tenant's name is text and nothing else. */
export function renderMarkdown(report: Report): string {
  const { verdict, run, target, servers = [], generated } = report
  return `${[
    `## Watertight: ${escaped(verdict.word)} (exit ${verdict.exitCode})`,
    escaped(shortened(visible(verdict.sentence), 400)),
    escaped(unexaminedLine(report) ?? ''),
    `PostgreSQL ${escaped(visible(target.serverVersion))}, seed ${run.seed}, ${(run.durationMs / 1000).toFixed(1)} s`,
    table(
      ['Gate', 'Rule', 'Value', 'State'],
      report.gates.map((gate) => [gate.id, gate.expression, gate.value, gate.state]),
    ),
    table(
      ['World', 'Probes', 'Cells', 'Cases', 'Leaks'],
      worldSummaries(report).map((each) => [
        each.key,
        String(each.probes),
        `${each.cellsTried}/${each.cellsAsked}`,
        formatCount(each.cases),
        formatCount(each.leaks),
      ]),
    ),
    table(
      ['Defect', 'Tried by', ...servers.map(({ version }) => version)],
      defectRows(servers).map(({ defect, on }) => [
        defect.id,
        defect.path ?? 'version only',
        ...servers.map(({ version }) => seenText(on.get(version), version)),
      ]),
    ),
    ...(generated === undefined
      ? []
      : [
          escaped(`${generatedLine(generated)}. ${setAsideLine(generated)}.`),
          table(
            ['Survivor', 'Kind', 'Edit', 'SQL'],
            generated.survivors.map((each) => [
              each.id,
              each.kind,
              each.title,
              shortened(visible(each.sql), 300),
            ]),
          ),
        ]),
    findings(
      'Findings',
      report.findings.filter((finding) => finding.gating),
    ),
    findings(
      'The seed document’s SQL as written (does not shut the gate)',
      report.findings.filter((finding) => !finding.gating),
    ),
    table(
      ['Variant', 'Query', 'Ratio', 'Interval'],
      notableMeasurements(report.measurements).map((each) => [
        each.variant,
        each.query,
        formatRatio(each.ratio),
        `${formatRatio(each.interval.low)} to ${formatRatio(each.interval.high)}`,
      ]),
    ),
    ...report.coverage.poolers
      .filter((pooler) => !pooler.tested)
      .map((pooler) => escaped(visible(`Not tested: ${pooler.title} (${pooler.reason})`))),
  ]
    .filter((block) => block !== '')
    .join('\n\n')}\n`
}

function seenText(score: DefectScore | undefined, version: string): string {
  if (score === undefined) return 'no such command'
  if (score.seen !== 'not tried') return missText(score, version) ?? score.seen
  return missText(score, version) ?? (score.affected ? 'named' : 'not affected')
}

function findings(title: string, list: readonly Finding[]): string {
  if (list.length === 0) return ''
  const hidden = list.length - findingsMax
  return [
    `### ${title}`,
    '',
    ...list
      .slice(0, findingsMax)
      .map(
        (finding) =>
          `- **${finding.severity}** ${escaped(shortened(visible(finding.title), 240))} ` +
          `(replay: \`watertight replay ${visible(finding.id).replaceAll('`', '')}\`)`,
      ),
    ...(hidden > 0 ? [`- … and ${counted(hidden, 'more finding')} in report.html`] : []),
  ].join('\n')
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  if (rows.length === 0) return ''
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [
    line(header),
    line(header.map(() => '---')),
    ...rows.map((row) => line(row.map((cell) => escaped(visible(cell))))),
  ].join('\n')
}

/** Characters that Markdown or HTML would act on become character references. */
function escaped(text: string): string {
  return text.replace(/[&<>"'`*_[\]()#|\\~@:!]/g, (character) => `&#${character.codePointAt(0)};`)
}
