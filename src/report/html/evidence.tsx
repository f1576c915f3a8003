/** What was executed and what came back, as SQL with the foreign rows under the statement. */

import type { Row, Step } from '../../model/observation.ts'
import { counted } from '../number.ts'
import { formatValue, shortened, visibleBlock } from '../text.ts'
import { Scroll } from './section.tsx'
import { Value } from './value.tsx'

const limits = { steps: 12, rows: 5, columns: 12, sql: 2_000, value: 120 } as const

export function Evidence({
  steps,
  label,
}: {
  readonly steps: readonly Step[]
  readonly label: string
}) {
  const cut = steps.length - limits.steps
  return (
    <div class="evidence">
      <Scroll label={`Evidence of ${label}`}>
        {steps.slice(0, limits.steps).map((step) => (
          <StepShown step={step} />
        ))}
      </Scroll>
      {cut > 0 && <p class="cut">{counted(cut, 'more statement')} in the transcript</p>}
    </div>
  )
}

function StepShown({ step }: { readonly step: Step }) {
  const { observation } = step
  return (
    <>
      <pre class={step.role}>
        <span class="role">-- {step.role}</span>
        {'\n'}
        <bdi>{shortened(visibleBlock(step.sql), limits.sql)}</bdi>;
      </pre>
      {observation.kind !== 'rows' ? (
        <p class="seen">
          {observation.kind} {observation.sqlstate} <Value text={observation.message} max={240} />
        </p>
      ) : (
        step.role !== 'context' && <Rows rows={observation.rows} affected={observation.affected} />
      )}
    </>
  )
}

function Rows({
  rows,
  affected,
}: {
  readonly rows: readonly Row[]
  readonly affected: number | null
}) {
  if (rows.length === 0) {
    return (
      <p class="seen">{affected === null ? 'no rows' : `${counted(affected, 'row')} affected`}</p>
    )
  }
  const names = [...new Set(rows.slice(0, limits.rows).flatMap((row) => Object.keys(row)))]
  const shown = names.slice(0, limits.columns)
  const cut = [
    rows.length > limits.rows ? counted(rows.length - limits.rows, 'more row') : null,
    names.length > limits.columns ? counted(names.length - limits.columns, 'more column') : null,
  ].filter((each) => each !== null)
  return (
    <>
      <table class="rows">
        <caption class="hidden">Rows that came back</caption>
        <thead>
          <tr>
            {shown.map((name) => (
              <th scope="col">
                <Value text={name} max={63} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, limits.rows).map((row) => (
            <tr>
              {shown.map((name) => (
                <td>
                  <bdi>{shortened(formatValue(row[name]), limits.value)}</bdi>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {cut.length > 0 && <p class="cut">{cut.join(' and ')} not shown here</p>}
    </>
  )
}
