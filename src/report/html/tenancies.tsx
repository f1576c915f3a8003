/** The tenancies side by side: verdicts, findings and price of each. */

import type { Report } from '../../model/report.ts'
import { tenancyRows } from '../comparison.ts'
import { formatCount, formatRatio } from '../number.ts'
import { Scroll, Section } from './section.tsx'

export function Tenancies({ report }: { readonly report: Report }) {
  const rows = tenancyRows(report)
  return (
    <Section id="tenancies" title="Tenancies compared">
      {rows.length === 0 ? (
        <p class="none">No world was judged.</p>
      ) : (
        <Scroll label="Tenancies compared">
          <table>
            <caption>
              Verdicts of probes over all databases; price as ratio to a plain query
            </caption>
            <thead>
              <tr>
                <th scope="col">tenancy</th>
                <th scope="col" class="number">
                  hold
                </th>
                <th scope="col" class="number">
                  violated
                </th>
                <th scope="col" class="number">
                  unknown
                </th>
                <th scope="col">findings</th>
                <th scope="col" class="number">
                  mean price
                </th>
                <th scope="col">dearest query</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr>
                  <th scope="row">{row.title}</th>
                  <td class="number">{formatCount(row.verdicts.holds)}</td>
                  <td class="number">{formatCount(row.verdicts.violated)}</td>
                  <td class="number">{formatCount(row.verdicts.unknown)}</td>
                  <td>
                    {row.findings.length === 0
                      ? 'none'
                      : row.findings
                          .map(([severity, count]) => `${formatCount(count)} ${severity}`)
                          .join(', ')}
                  </td>
                  <td class="number">
                    {row.meanRatio === null ? 'not measured' : formatRatio(row.meanRatio)}
                  </td>
                  <td>
                    {row.worst === null
                      ? '–'
                      : `${row.worst.query}, ${formatRatio(row.worst.ratio)}`}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </Scroll>
      )}
    </Section>
  )
}
