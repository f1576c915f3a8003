/** What isolation costs: ratios with intervals, the word that follows from them, the latencies. */

import type { Comparison, Measurement } from '../../model/measurement.ts'
import type { Report } from '../../model/report.ts'
import { formatMs, formatPercent, formatRatio } from '../number.ts'
import { Distribution } from './distribution.tsx'
import { Plans } from './plans.tsx'
import { Pill, Scroll, Section, type Tone } from './section.tsx'
import { seriesOf } from './series.ts'
import { Value } from './value.tsx'

export function Performance({ report }: { readonly report: Report }) {
  const { measurements } = report
  return (
    <Section id="performance" title="Performance">
      {measurements.length === 0 && <p class="none">Nothing was measured in this run.</p>}
      {measurements.length > 0 && (
        <>
          <Scroll label="Measurements">
            <table data-sortable>
              <caption>
                Ratio of wall time to the reference, measured interleaved on one backend; above 1 is
                slower
              </caption>
              <thead>
                <tr>
                  <th scope="col">query</th>
                  <th scope="col">variant</th>
                  <th scope="col" class="number">
                    p50
                  </th>
                  <th scope="col" class="number">
                    p95
                  </th>
                  <th scope="col" class="number">
                    p99
                  </th>
                  <th scope="col" class="number">
                    ratio
                  </th>
                  <th scope="col" class="number">
                    interval
                  </th>
                  <th scope="col">comparison</th>
                  <th scope="col">note</th>
                </tr>
              </thead>
              <tbody>
                {measurements.map((each) => (
                  <Line measurement={each} />
                ))}
              </tbody>
            </table>
          </Scroll>
          <Distribution measurements={measurements} />
        </>
      )}
      <Plans plans={report.plans} />
    </Section>
  )
}

function Line({ measurement }: { readonly measurement: Measurement }) {
  const { interval, ratio, comparison } = measurement
  return (
    <tr>
      <th scope="row">{measurement.query}</th>
      <td class="name">
        <span class={`swatch ${seriesOf(measurement.variant)}`} aria-hidden="true" />{' '}
        <Value text={measurement.variant} />
        <span class="dim">
          {' '}
          vs <Value text={measurement.reference} />
        </span>
      </td>
      <Latency ms={measurement.latencyMsP50} />
      <Latency ms={measurement.latencyMsP95} />
      <Latency ms={measurement.latencyMsP99} />
      <td class="number" data-value={ratio}>
        <b>{formatRatio(ratio)}</b>
      </td>
      <td class="number" data-value={interval.low}>
        {formatRatio(interval.low)} to {formatRatio(interval.high)}
        <span class="dim"> ({formatPercent(interval.level)})</span>
      </td>
      <td>
        <Pill tone={toneOf(comparison, ratio)}>{comparison}</Pill>
      </td>
      <td class="prose">{noteOf(measurement)}</td>
    </tr>
  )
}

function Latency({ ms }: { readonly ms: number | null }) {
  return (
    <td class="number" data-value={ms ?? -1}>
      {formatMs(ms)}
    </td>
  )
}

function toneOf(comparison: Comparison, ratio: number): Tone {
  if (comparison === 'cannot tell') return 'plain'
  return comparison === 'different' && ratio > 1 ? 'warn' : 'good'
}

function noteOf({ note, capped, pairs, comparison, smallestVisible }: Measurement) {
  return (
    <>
      {capped && <>few samples ({pairs}). </>}
      {comparison === 'no difference shown' && (
        <>a difference of {formatPercent(smallestVisible)} would have shown. </>
      )}
      {note !== null && <Value text={note} max={200} />}
    </>
  )
}
