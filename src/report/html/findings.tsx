/** Every finding, worst first; those of the seed document's own SQL apart, as they shut no gate. */

import type { Finding } from '../../model/finding.ts'
import type { Report } from '../../model/report.ts'
import { counted } from '../number.ts'
import { FindingCard } from './finding-card.tsx'
import { Section } from './section.tsx'

/** Cards with evidence and cards without; what is beyond both is counted. */
const limits = { open: 3, full: 60, brief: 240 } as const

export function Findings({ report }: { readonly report: Report }) {
  const gating = report.findings.filter((finding) => finding.gating)
  const asWritten = report.findings.filter((finding) => !finding.gating)
  return (
    <Section id="findings" title="Findings">
      {report.findings.length > 3 && (
        <p class="filter" hidden>
          <label>
            Filter findings <input type="search" data-filters=".finding" autocomplete="off" />
          </label>
        </p>
      )}
      {gating.length === 0 && <p class="none">{emptyText(report)}</p>}
      <Cards list={gating} open={limits.open} />
      {asWritten.length > 0 && (
        <>
          <h3>The seed document’s SQL as written (reported, does not shut the gate)</h3>
          <Cards list={asWritten} open={0} />
        </>
      )}
    </Section>
  )
}

function emptyText({ verdict, coverage }: Report): string {
  if (coverage.casesTried === 0) return 'Nothing was tried, so nothing could be found.'
  return verdict.exitCode === 0
    ? 'None: no judged tenant reached another tenant’s data.'
    : 'None in what was tried; see coverage for what was not.'
}

function Cards({ list, open }: { readonly list: readonly Finding[]; readonly open: number }) {
  const hidden = list.length - limits.brief
  return (
    <>
      {list.slice(0, limits.brief).map((finding, index) => (
        <FindingCard finding={finding} open={index < open} brief={index >= limits.full} />
      ))}
      {hidden > 0 && <p class="cut">{counted(hidden, 'more finding')} in report.json</p>}
    </>
  )
}
