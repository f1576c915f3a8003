/** Which ways of binding a tenant are safe on which pooler: what was measured, cell by cell. */

import type { Report } from '../../model/report.ts'
import type { CellVerdict } from '../../model/verdict.ts'
import { worldKey } from '../../model/tenancy.ts'
import { groupBy } from '../group-by.ts'
import { shortened, visible } from '../text.ts'
import { isPoolMatrix } from '../pool-matrix.ts'
import { Scroll, Section } from './section.tsx'
import { Value } from './value.tsx'

export function PoolTables({ report }: { readonly report: Report }) {
  const verdicts = report.verdicts.filter(
    (verdict) => isPoolMatrix(verdict) && verdict.cells.length > 0,
  )
  if (verdicts.length === 0) return null
  return (
    <Section id="pooling" title="Which ways of binding a tenant are safe on which pooler">
      <p class="note">
        A tenant’s request binds itself and ends as the row says; the next request on the same
        server connection binds nothing. <b class="holds">✓ safe</b> it sees nothing,{' '}
        <b class="leaks">! leaks</b> it sees the tenant’s rows, <b class="unknown">∅ no effect</b>{' '}
        the tenant itself sees none of its own, <b class="unknown">⊘ refused</b> it sees nothing,
        and its own statement of that name is refused; each as the documentation says.{' '}
        <b class="violated">✗</b> marks what contradicts it.
      </p>
      {verdicts.map((verdict) => (
        <PoolTable key_={worldKey(verdict.world)} cells={verdict.cells} />
      ))}
    </Section>
  )
}

function PoolTable({
  key_,
  cells,
}: {
  readonly key_: string
  readonly cells: readonly CellVerdict[]
}) {
  const paths = [...new Set(cells.map(({ path }) => path))]
  const rows = [...groupBy(cells, ({ object }) => object)]
  return (
    <details open>
      <summary>
        {key_}: {rows.length} ways on {paths.length} poolers
      </summary>
      <Scroll label={`Pool matrix of ${key_}`}>
        <table class="matrix pools">
          <caption>{key_}</caption>
          <thead>
            <tr>
              <th scope="col">binding, ending</th>
              {paths.map((path) => (
                <th scope="col">
                  <Value text={path} max={60} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map(([object, ofRow]) => (
              <tr>
                <th scope="row">
                  <Value text={object} max={60} />
                </th>
                {paths.map((path) => (
                  <PoolCell cell={ofRow.find((each) => each.path === path)} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  )
}

function PoolCell({ cell }: { readonly cell: CellVerdict | undefined }) {
  if (cell === undefined) return <td class="untested">not tested</td>
  const title = visible(shortened(cell.reason, 200))
  if (cell.outcome === 'violated')
    return (
      <td class="violated" title={title}>
        {'\u2717 contradicts'}
      </td>
    )
  if (cell.outcome !== 'holds') {
    return (
      <td class={cell.outcome} title={title}>
        ? <Value text={cell.reason} max={48} />
      </td>
    )
  }
  const [said = ''] = cell.reason.split(',')
  const [kind, mark] = marks.get(said) ?? ['unknown', '?']
  return (
    <td class={kind} title={title}>
      {mark} {said}
    </td>
  )
}

const marks: ReadonlyMap<string, readonly [string, string]> = new Map([
  ['safe', ['holds', '\u2713']],
  ['leaks', ['leaks', '!']],
  ['no effect', ['inapplicable', '\u2205']],
  ['refused', ['inapplicable', '\u2298']],
])
