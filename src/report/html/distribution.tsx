/** Latency over quantiles, one small chart per query, drawn on the server as plain SVG. */

import * as Plot from '@observablehq/plot'
import { parseHTML } from 'linkedom'
import type { Measurement } from '../../model/measurement.ts'
import { groupBy } from '../group-by.ts'
import { counted, formatMs } from '../number.ts'
import { visible } from '../text.ts'
import { seriesOf } from './series.ts'
import { Value } from './value.tsx'

export function Distribution({ measurements }: { readonly measurements: readonly Measurement[] }) {
  const drawable = measurements.filter(
    (each) =>
      each.quantilesMs.length > 1 &&
      each.quantilesMs.every(([, ms]) => Number.isFinite(ms) && ms > 0),
  )
  if (drawable.length === 0) return null
  const variants = [...new Set(drawable.map((each) => each.variant))]
  return (
    <>
      <h3>Latency distribution</h3>
      <ul class="legend">
        {variants.map((variant) => (
          <li>
            <span class={`swatch ${seriesOf(variant)}`} aria-hidden="true" />{' '}
            <Value text={variant} max={60} />
          </li>
        ))}
      </ul>
      <div class="charts">
        {[...groupBy(drawable, (each) => each.query)].map(([query, group]) => (
          <figure>
            <figcaption>{query}</figcaption>
            <div
              class="chart"
              role="img"
              aria-label={descriptionOf(query, group)}
              dangerouslySetInnerHTML={{ __html: chartOf(group) }}
            />
          </figure>
        ))}
      </div>
    </>
  )
}

function descriptionOf(query: string, group: readonly Measurement[]): string {
  return visible(
    `Latency of ${query}, ${counted(group.length, 'variant')}: ${group
      .map(
        (each) =>
          `${each.variant} median ${formatMs(each.latencyMsP50)}, p95 ${formatMs(each.latencyMsP95)}`,
      )
      .join('; ')}`,
  )
}

/** Only numbers and fixed names get in here, so the markup needs no escaping of its own. */
function chartOf(group: readonly Measurement[]): string {
  const { document } = parseHTML('<!doctype html><html><body></body></html>')
  const points = group.flatMap((each) =>
    each.quantilesMs.map(([quantile, ms]) => ({
      quantile: labelOf(quantile),
      ms,
      series: seriesOf(each.variant),
    })),
  )
  const domain = [
    ...new Set(group.flatMap((each) => each.quantilesMs.map(([quantile]) => quantile))),
  ]
    .toSorted((a, b) => a - b)
    .map(labelOf)
  const svg = Plot.plot({
    document: document as unknown as Document,
    width: 300,
    height: 210,
    marginLeft: 46,
    marginRight: 12,
    x: { type: 'point', domain, label: 'quantile' },
    y: {
      type: 'log',
      label: 'ms',
      grid: true,
      ticks: ticksOf(points.map((point) => point.ms)),
      tickFormat: String,
    },
    marks: [
      Plot.line(points, {
        x: 'quantile',
        y: 'ms',
        z: 'series',
        strokeWidth: 1.75,
        stroke: (point: { readonly series: string }) => `var(--${point.series})`,
      }),
    ],
    color: { type: 'identity' },
  })
  // Its style element would need a hash of its own; the page's style sheet says the same.
  svg.querySelectorAll('style').forEach((style) => {
    style.remove()
  })
  svg.setAttribute('aria-hidden', 'true')
  return svg.outerHTML
}

/** Powers of ten, and their doubles and fives while the range is narrow. */
function ticksOf(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)]
  const steps = high / low < 300 ? [1, 2, 5] : [1]
  const exponents = Array.from({ length: 13 }, (_, index) => index - 5)
  return exponents
    .flatMap((exponent) => steps.map((step) => Number(`${step}e${exponent}`)))
    .filter((tick) => tick >= low && tick <= high)
}

function labelOf(quantile: number): string {
  return quantile === 1 ? 'max' : quantile === 0 ? 'min' : `p${Number((quantile * 100).toFixed(2))}`
}
