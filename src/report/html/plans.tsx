/** Where the tenant predicate lands in the plans, and which index serves it. */

import type { PlanCheck } from '../../model/measurement.ts'
import { counted, formatCount } from '../number.ts'
import { shortened, visibleBlock } from '../text.ts'
import { Pill, Scroll } from './section.tsx'
import { Code, Value } from './value.tsx'

const plansMax = 80

export function Plans({ plans }: { readonly plans: readonly PlanCheck[] }) {
  if (plans.length === 0) return null
  return (
    <>
      <h3>Plans</h3>
      <Scroll label="Plans">
        <table data-sortable>
          <caption>Placement of the tenant predicate, per query of the index strategy</caption>
          <thead>
            <tr>
              <th scope="col">query</th>
              <th scope="col">variant</th>
              <th scope="col">placement</th>
              <th scope="col">indexes used</th>
              <th scope="col" class="number">
                rows removed
              </th>
              <th scope="col">partitions</th>
              <th scope="col">verdict</th>
              <th scope="col">reason</th>
            </tr>
          </thead>
          <tbody>
            {plans.slice(0, plansMax).map((plan) => (
              <Line plan={plan} />
            ))}
          </tbody>
        </table>
      </Scroll>
      {plans.length > plansMax && (
        <p class="cut">{counted(plans.length - plansMax, 'more plan')} in report.json</p>
      )}
    </>
  )
}

function Line({ plan }: { readonly plan: PlanCheck }) {
  const tone = plan.outcome === 'holds' ? 'good' : plan.outcome === 'violated' ? 'bad' : 'warn'
  return (
    <tr>
      <th scope="row">
        <Value text={plan.query} />
        <div class="dim">
          <Value text={plan.relation} />
        </div>
      </th>
      <td class="name">
        <Value text={plan.variant} />
      </td>
      <td class="name">{plan.placement}</td>
      <td>
        {plan.usedIndexes.length === 0
          ? 'none'
          : plan.usedIndexes.map((name) => (
              <div>
                <Code text={name} />
              </div>
            ))}
      </td>
      <td class="number" data-value={plan.rowsRemoved}>
        {formatCount(plan.rowsRemoved)}
      </td>
      <td>
        {plan.partitionsTotal === null
          ? '–'
          : `${plan.partitionsScanned ?? '?'} of ${plan.partitionsTotal}`}
      </td>
      <td>
        <Pill tone={tone}>{plan.outcome}</Pill>
      </td>
      <td class="prose">
        <Value text={plan.reason} max={300} />
        <details class="plan">
          <summary>plan</summary>
          <pre>{shortened(visibleBlock(plan.text), 4_000)}</pre>
        </details>
      </td>
    </tr>
  )
}
