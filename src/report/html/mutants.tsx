/** Proof of the detector: planted defects that it saw, correct shapes on which it stayed silent. */

import type { Report } from '../../model/report.ts'
import { formatCount, formatMs } from '../number.ts'
import { Scroll, Section } from './section.tsx'
import { Code, Value } from './value.tsx'

export function Mutants({ report }: { readonly report: Report }) {
  const { mutants, controls } = report
  return (
    <Section id="mutants" title="Proof of the detector">
      {mutants.total === 0
        ? <p class="none">No mutant was tried in this run: the detector is unproven.</p>
        : <p>{formatCount(mutants.killed)} of {formatCount(mutants.total)} mutants were killed;{' '}
          {formatCount(controls.silent)} of {formatCount(controls.total)} controls stayed silent.</p>}
      <Faults title="Survivors" list={mutants.survived} />
      <Faults title="Controls that are not silent" list={controls.noisy} />
      {mutants.kills.length > 0 && (
        <Scroll label="Kills">
          <table data-sortable>
            <caption>Each mutant is a clone of the healthy database with one defect</caption>
            <thead><tr><th scope="col">mutant</th><th scope="col">defect</th><th scope="col">killed by</th>
              <th scope="col" class="number">cases</th><th scope="col" class="number">time to witness</th></tr></thead>
            <tbody>{mutants.kills.map((kill) => (
              <tr><th scope="row"><Value text={kill.id} /></th><td class="prose"><Value text={kill.title} /></td>
                <td><Code text={kill.probe} /></td><td class="number">{formatCount(kill.cases)}</td>
                <td class="number" data-value={kill.ms}>{formatMs(kill.ms)}</td></tr>
            ))}</tbody>
          </table>
        </Scroll>
      )}
    </Section>
  )
}

interface FaultsProps {
  readonly title: string
  readonly list: Report['mutants']['survived']
}

function Faults({ title, list }: FaultsProps) {
  if (list.length === 0) return null
  return (
    <>
      <h3>{title}</h3>
      <ul class="bad">{list.map((each) => (
        <li><Code text={each.id} />: <Value text={each.title} />. <Value text={each.reason} /></li>
      ))}</ul>
    </>
  )
}
