/** Which backend served which tenant when: sharing is what makes a verdict about pools credible. */

import type { Report, TimelineSpan } from '../../model/report.ts'
import { groupBy } from '../group-by.ts'
import { counted, formatMs } from '../number.ts'
import { shortened, visible } from '../text.ts'
import { Scroll, Section } from './section.tsx'
import { Value } from './value.tsx'

const limits = { groups: 6, spans: 300, lanes: 24 } as const
const [left, width, laneHeight] = [70, 830, 22] as const
const colours = 10

export function Timeline({ report }: { readonly report: Report }) {
  const { timeline } = report
  if (timeline.length === 0) return null
  const groups = [
    ...groupBy(timeline, (span) => JSON.stringify([span.world, span.pooler])).values(),
  ]
  const names = [...new Set(timeline.map((span) => span.tenant))]
  const tenants = new Map(names.map((tenant, index) => [tenant, index % colours]))
  return (
    <Section id="timeline" title="Context timeline">
      <p class="note">
        Each lane is a backend, each bar a checkout in the context of a tenant. A bar framed in red
        saw a foreign row.
      </p>
      <ul class="legend">
        {[...tenants].slice(0, 40).map(([tenant, index]) => (
          <li>
            <span class={`swatch t${index}`} aria-hidden="true" /> <Value text={tenant} max={40} />
          </li>
        ))}
      </ul>
      {groups.slice(0, limits.groups).map((spans) => (
        <Lanes spans={spans} tenants={tenants} />
      ))}
      {groups.length > limits.groups && (
        <p class="cut">{counted(groups.length - limits.groups, 'more timeline')} in report.json</p>
      )}
    </Section>
  )
}

interface LanesProps {
  readonly spans: readonly TimelineSpan[]
  readonly tenants: ReadonlyMap<string, number>
}

function Lanes({ spans, tenants }: LanesProps) {
  const shown = shownOf(spans)
  const pids = [...new Set(shown.map((span) => span.backendPid))]
  const start = Math.min(...shown.map((span) => span.startMs))
  const length = Math.max(...shown.map((span) => span.endMs)) - start
  const scale = length > 0 ? width / length : 1
  const height = pids.length * laneHeight
  const title = `${spans[0]?.world ?? ''}, ${spans[0]?.pooler ?? ''}`
  return (
    <figure>
      <figcaption>
        <Value text={title} /> <span class="dim">{formatMs(length)}</span>
      </figcaption>
      <Scroll label={visible(`Timeline of ${title}`)}>
        <svg
          class="lanes"
          viewBox={`0 0 ${left + width + 10} ${height + 24}`}
          role="img"
          aria-label={descriptionOf(spans)}
        >
          {pids.map((pid, lane) => (
            <>
              <text x={left - 8} y={lane * laneHeight + 15} text-anchor="end">
                {pid}
              </text>
              <line
                x1={left}
                x2={left + width}
                y1={lane * laneHeight + 21.5}
                y2={lane * laneHeight + 21.5}
              />
            </>
          ))}
          {shown.map((span) => (
            <rect
              class={`t${tenants.get(span.tenant) ?? 0}${span.sawForeign ? ' foreign' : ''}`}
              x={rounded(left + (span.startMs - start) * scale)}
              y={pids.indexOf(span.backendPid) * laneHeight + 4}
              width={Math.max(1.5, rounded((span.endMs - span.startMs) * scale - 0.6))}
              height={laneHeight - 7}
              rx="2"
            >
              <title>
                {visible(shortened(span.tenant, 60))}
                {span.sawForeign ? ', saw a foreign row' : ''}
              </title>
            </rect>
          ))}
          <text x={left} y={height + 18}>
            0 ms
          </text>
          <text x={left + width} y={height + 18} text-anchor="end">
            {formatMs(length)}
          </text>
        </svg>
      </Scroll>
      {shown.length < spans.length && (
        <p class="cut">{counted(spans.length - shown.length, 'more checkout')} in report.json</p>
      )}
    </figure>
  )
}

/** The stretch around the first checkout that saw a foreign row, or the beginning. */
function shownOf(spans: readonly TimelineSpan[]): readonly TimelineSpan[] {
  const foreign = spans.findIndex((span) => span.sawForeign)
  const from = Math.max(0, Math.min(foreign - limits.spans / 2, spans.length - limits.spans))
  const stretch = spans.slice(from, from + limits.spans)
  const pids = new Set([...new Set(stretch.map((span) => span.backendPid))].slice(0, limits.lanes))
  return stretch.filter((span) => pids.has(span.backendPid))
}

function descriptionOf(spans: readonly TimelineSpan[]): string {
  const tenants = new Set(spans.map((span) => span.tenant)).size
  const backends = new Set(spans.map((span) => span.backendPid)).size
  const foreign = spans.filter((span) => span.sawForeign).length
  return (
    `${counted(spans.length, 'checkout')} on ${counted(backends, 'backend')} by ${counted(tenants, 'tenant')}, ` +
    `${foreign} saw a foreign row`
  )
}

function rounded(value: number): number {
  return Number(value.toFixed(1))
}
