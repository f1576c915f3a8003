/** What was tried and what was not, and what is merely assumed: the fine print, printed large. */

import type { Report } from '../../model/report.ts'
import { formatCount } from '../number.ts'
import { Pill, Scroll, Section } from './section.tsx'
import { Value } from './value.tsx'

export function CoverageSection({ report }: { readonly report: Report }) {
  const { coverage } = report
  return (
    <Section id="coverage" title="Coverage and assumptions">
      <Asked coverage={coverage} />
      <Poolers coverage={coverage} />
      <h3>Not tested</h3>
      {coverage.untested.length === 0 && <p class="none">Nothing is known to be missing.</p>}
      <ul>
        {coverage.untested.map(({ what, why }) => (
          <li>
            <b>
              <Value text={what} />
            </b>
            : <Value text={why} />
          </li>
        ))}
      </ul>
      <h3>Assumed, because no test inside one database can prove it</h3>
      <ul>
        {coverage.assumptions.map((each) => (
          <li>
            <Value text={each} />
          </li>
        ))}
      </ul>
    </Section>
  )
}

interface Props {
  readonly coverage: Report['coverage']
}

function Asked({ coverage }: Props) {
  return (
    <Scroll label="Coverage">
      <table>
        <caption>Questions asked of the judged worlds, and their answers</caption>
        <thead>
          <tr>
            <th scope="col">what</th>
            <th scope="col" class="number">
              asked
            </th>
            <th scope="col" class="number">
              tried
            </th>
            <th scope="col">answers</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <th scope="row">probes</th>
            <td class="number">{formatCount(coverage.probesAsked)}</td>
            <td class="number">{formatCount(coverage.probesTried)}</td>
            <td>
              {formatCount(coverage.casesTried)} cases on {formatCount(coverage.objects)} objects
            </td>
          </tr>
          <tr>
            <th scope="row">cells</th>
            <td class="number">{formatCount(coverage.cellsAsked)}</td>
            <td class="number">{formatCount(coverage.cellsTried)}</td>
            <td>
              {formatCount(coverage.cellsHeld)} hold, {formatCount(coverage.cellsViolated)}{' '}
              violated, {formatCount(coverage.cellsUnknown)} unknown,{' '}
              {formatCount(coverage.cellsInapplicable)} do not apply
            </td>
          </tr>
        </tbody>
      </table>
    </Scroll>
  )
}

function Poolers({ coverage }: Props) {
  return (
    <ul class="plain">
      {coverage.poolers.map((pooler) => (
        <li>
          <Pill tone={pooler.tested ? 'good' : 'warn'}>
            {pooler.tested ? 'tested' : 'not tested'}
          </Pill>{' '}
          <Value text={pooler.title} />
          {!pooler.tested && (
            <>
              : <Value text={pooler.reason} />
            </>
          )}
          {pooler.hint !== null && (
            <span class="dim">
              {' '}
              (<Value text={pooler.hint} />)
            </span>
          )}
        </li>
      ))}
    </ul>
  )
}
