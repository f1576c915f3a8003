/** Proof of the detector: planted defects that it saw, correct shapes on which it stayed silent. */

import type { Report } from '../../model/report.ts'
import { formatCount, formatMs } from '../number.ts'
import { Generated } from './generated.tsx'
import { Scroll, Section } from './section.tsx'
import { Servers } from './servers.tsx'
import { Code, Value } from './value.tsx'

export function Mutants({ report }: { readonly report: Report }) {
  const { mutants, controls } = report
  return (
    <Section id="mutants" title="Proof of the detector">
      {mutants.total === 0 ? (
        <p class="none">No mutant was tried in this run: the detector is unproven.</p>
      ) : (
        <p>
          {formatCount(mutants.killed)} of {formatCount(mutants.total)} mutants were killed
          {mutants.classes !== undefined && (
            <>
              , and every mutant of {formatCount(mutants.classes.killed)} of{' '}
              {formatCount(mutants.classes.tried)} classes of fault
            </>
          )}
          ; {formatCount(controls.silent)} of {formatCount(controls.total)} controls stayed silent.
        </p>
      )}
      <Faults title="Survivors" list={mutants.survived} />
      <Faults title="Controls that are not silent" list={controls.noisy} />
      {mutants.classes !== undefined && mutants.classes.list.length > 0 && (
        <Classes list={mutants.classes.list} />
      )}
      <Generated score={report.generated} />
      <Servers report={report} />
      {mutants.kills.length > 0 && <Kills list={mutants.kills} />}
    </Section>
  )
}

interface KillsProps {
  readonly list: Report['mutants']['kills']
}

function Kills({ list }: KillsProps) {
  return (
    <Scroll label="Kills">
      <table data-sortable>
        <caption>Each mutant is a clone of the healthy database with one defect</caption>
        <thead>
          <tr>
            <th scope="col">mutant</th>
            <th scope="col">defect</th>
            <th scope="col">class</th>
            <th scope="col">killed by</th>
            <th scope="col">basis</th>
            <th scope="col" class="number">
              cases
            </th>
            <th scope="col" class="number">
              time to witness
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((kill) => (
            <tr>
              <th scope="row">
                <Value text={kill.id} />
              </th>
              <td class="prose">
                <Value text={kill.title} />
              </td>
              <td>
                <Value text={kill.class ?? 'none'} />
              </td>
              <td>
                <Code text={kill.probe} />
              </td>
              <td>
                <Value text={basisOf(kill)} />
              </td>
              <td class="number">{formatCount(kill.cases)}</td>
              <td class="number" data-value={kill.ms}>
                {formatMs(kill.ms)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

function basisOf({ basis }: Report['mutants']['kills'][number]): string {
  return basis === 'catalogue' ? 'catalogue, no attack is possible' : (basis ?? 'not recorded')
}

interface ClassesProps {
  readonly list: NonNullable<Report['mutants']['classes']>['list']
}

function Classes({ list }: ClassesProps) {
  return (
    <Scroll label="Classes of fault">
      <table data-sortable>
        <caption>Classes of fault that were planted</caption>
        <thead>
          <tr>
            <th scope="col">class</th>
            <th scope="col">what is wrong</th>
            <th scope="col" class="number">
              mutants
            </th>
            <th scope="col" class="number">
              killed
            </th>
          </tr>
        </thead>
        <tbody>
          {list.map((each) => (
            <tr>
              <th scope="row">
                <Value text={each.id} />
              </th>
              <td class="prose">
                <Value text={each.title} />
              </td>
              <td class="number">{formatCount(each.mutants)}</td>
              <td class="number">{formatCount(each.killed)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
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
      <ul class="bad">
        {list.map((each) => (
          <li>
            <Code text={each.id} />: <Value text={each.title} />. <Value text={each.reason} />
          </li>
        ))}
      </ul>
    </>
  )
}
