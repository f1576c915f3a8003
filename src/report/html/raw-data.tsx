/** The record itself, inside the page, so that the page alone is enough to check its numbers. */

import type { Report } from '../../model/report.ts'
import type { Step } from '../../model/observation.ts'
import { renderCompactJson } from '../json.ts'
import { formatBytes } from '../number.ts'
import { Section } from './section.tsx'

/** Beyond this the embedded copy leaves out what report.json has in full. */
const bytesMax = 1_000_000
const rowsMax = 5

export function RawData({ report }: { readonly report: Report }) {
  const whole = renderCompactJson(report)
  const short = whole.length > bytesMax
  const json = short ? renderCompactJson(condensed(report)) : whole
  return (
    <Section id="raw" title="Raw data">
      <p>
        <a href="report.json">report.json</a> lies beside this page ({formatBytes(whole.length)}). A{' '}
        {short ? 'shortened copy (without passing cells, at most 5 rows per statement)' : 'copy'} is
        embedded in it as <code>#report-data</code>.
      </p>
      <script
        type="application/json"
        id="report-data"
        data-shortened={short ? 'true' : 'false'}
        dangerouslySetInnerHTML={{ __html: scriptSafe(json) }}
      />
    </Section>
  )
}

/** No `<` is left, so no value can close the element or open a comment; it is the same JSON. */
function scriptSafe(json: string): string {
  return json.replace(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** Counterexamples stand in the findings; cells that hold are in the counts. */
function condensed(report: Report): Report {
  return {
    ...report,
    verdicts: report.verdicts.map((verdict) => ({
      ...verdict,
      cells: verdict.cells
        .filter((cell) => cell.outcome !== 'holds')
        .map((cell) => ({ ...cell, counterexample: null })),
    })),
    findings: report.findings.map((finding) => ({
      ...finding,
      counterexample: {
        ...finding.counterexample,
        steps: finding.counterexample.steps.map(condensedStep),
      },
    })),
    timeline: report.timeline.slice(0, 500),
    plans: report.plans.map((plan) => ({ ...plan, text: plan.text.slice(0, 400) })),
  }
}

function condensedStep(step: Step): Step {
  const { observation } = step
  if (observation.kind !== 'rows' || observation.rows.length <= rowsMax) return step
  return {
    ...step,
    observation: { ...observation, rows: observation.rows.slice(0, rowsMax), truncated: true },
  }
}
