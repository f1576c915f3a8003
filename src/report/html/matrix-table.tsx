/** The isolation matrix: one table per world, where an untested cell is visibly untested. */

import { isPoolMatrix } from '../pool-matrix.ts'
import type { Report } from '../../model/report.ts'
import { worldKey } from '../../model/tenancy.ts'
import { matrixOf, type MatrixCell } from '../matrix.ts'
import { counted, formatCount } from '../number.ts'
import { shortened, visible } from '../text.ts'
import { isAsWritten, worldSummaries, type WorldSummary } from '../world-summary.ts'
import { PoolTables } from './pool-table.tsx'
import { Scroll, Section } from './section.tsx'
import { Value } from './value.tsx'

export function Matrices({ report }: { readonly report: Report }) {
  const summaries = worldSummaries(report)
  return (
    <>
      <Section id="matrix" title="Isolation matrix">
        <p class="note">
          Cases that crossed a tenant boundary, per object and path. <b class="holds">✓</b> none
          did, <b class="violated">✗</b> one did, <b class="unknown">?</b> could not be told, – does
          not apply, <span class="untested key">not tested</span> no probe asks.
        </p>
        <p class="filter" hidden>
          <label>
            <input type="checkbox" data-troubled=".matrix" /> only objects with a cell that does not
            hold
          </label>
        </p>
        {summaries.length === 0 && <p class="none">No world was judged.</p>}
        {summaries.map((each) => (
          <WorldMatrix summary={each} report={report} />
        ))}
      </Section>
      <PoolTables report={report} />
    </>
  )
}

/** Probes with more columns than this have a table of their own, which can be folded away. */
const columnsMax = 8

function WorldMatrix({
  summary,
  report,
}: {
  readonly summary: WorldSummary
  readonly report: Report
}) {
  const wide = summary.verdicts.filter(
    ({ cells, way }) =>
      !isPoolMatrix({ way }) && new Set(cells.map(({ path }) => path)).size > columnsMax,
  )
  const narrow = summary.verdicts.filter((verdict) => !wide.includes(verdict))
  return (
    <>
      <MatrixTable summary={summary} report={report} verdicts={narrow} />
      {wide.map((verdict) => (
        <details>
          <summary>
            <Value text={verdict.claim} max={160} />: {counted(verdict.cells.length, 'cell')},{' '}
            {counted(
              verdict.cells.filter(({ outcome }) => outcome === 'violated').length,
              'violated cell',
            )}{' '}
            ({summary.key})
          </summary>
          <MatrixTable summary={summary} report={report} verdicts={[verdict]} />
        </details>
      ))}
    </>
  )
}

interface TableProps {
  readonly summary: WorldSummary
  readonly report: Report
  readonly verdicts: WorldSummary['verdicts']
}

function MatrixTable({ summary, report, verdicts }: TableProps) {
  const findings = report.findings.filter((finding) => worldKey(finding.world) === summary.key)
  const { paths, rows } = matrixOf(verdicts, findings)
  const [only] = verdicts
  const title =
    verdicts.length === 1 && only !== undefined ? `${summary.key}, ${only.probe}` : summary.key
  return (
    <Scroll label={`Isolation matrix of ${title}`}>
      <table class="matrix">
        <caption>
          <strong>{title}</strong>
          {isAsWritten(summary) && ' (reported, does not shut the gate)'}{' '}
          <span class="dim">
            {formatCount(summary.cases)} cases, {counted(summary.leaks, 'violated cell')}
          </span>
        </caption>
        <thead>
          <tr>
            <th scope="col">object</th>
            {paths.map((path) => (
              <th scope="col">
                <Value text={path} max={60} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ object, cells }) => (
            <tr>
              <th scope="row">
                <Value text={object} max={90} />
              </th>
              <Cells cells={cells} />
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

/** An object of which nothing applies, or nothing could be told, says why once. */
function Cells({ cells }: { readonly cells: readonly (MatrixCell | null)[] }) {
  const [first] = cells
  const blank = first?.outcome === 'inapplicable' || first?.outcome === 'unknown'
  if (
    !blank ||
    cells.some((cell) => cell?.outcome !== first.outcome || cell.reason !== first.reason)
  ) {
    return (
      <>
        {cells.map((cell) => (
          <MatrixTd cell={cell} />
        ))}
      </>
    )
  }
  return (
    <td class={first.outcome} colSpan={cells.length} title={visible(shortened(first.reason, 200))}>
      {first.outcome === 'unknown' ? '? unknown' : '– does not apply'}:{' '}
      <Value text={first.reason} max={160} />
    </td>
  )
}

function MatrixTd({ cell }: { readonly cell: MatrixCell | null }) {
  if (cell === null) return <td class="untested">not tested</td>
  const count = `${cell.outcome === 'violated' ? formatCount(cell.violations) : 0} of ${formatCount(cell.cases)}`
  if (cell.outcome === 'holds') return <td class="holds">✓ {count}</td>
  const title = visible(`${cell.probes.join(', ')}: ${shortened(cell.reason, 200)}`)
  if (cell.outcome === 'violated') {
    const content =
      cell.findingId === null ? `✗ ${count}` : <a href={`#${cell.findingId}`}>✗ {count}</a>
    return (
      <td class="violated" title={title}>
        {content}
      </td>
    )
  }
  const mark = cell.outcome === 'unknown' ? '?' : '–'
  return (
    <td class={cell.outcome} title={title}>
      {mark} <Value text={cell.reason} max={48} />
    </td>
  )
}
