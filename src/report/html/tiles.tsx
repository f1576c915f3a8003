/** Four numbers that say how much was tried and what came of it. */

import type { Report } from '../../model/report.ts'
import { geometricMean } from '../comparison.ts'
import { counted, formatCount, formatRatio } from '../number.ts'

export function Tiles({ report }: { readonly report: Report }) {
  const { coverage, findings, mutants, controls } = report
  const gating = findings.filter((finding) => finding.gating).length
  const mean = geometricMean(report.measurements.filter((each) => each.variant === 'hardened'))
  const asWritten = findings.length - gating
  return (
    <dl class="tiles">
      <Tile
        value={`${formatCount(coverage.cellsTried)} / ${formatCount(coverage.cellsAsked)}`}
        label={`cells tried, on ${counted(coverage.objects, 'object')}`}
      />
      <Tile
        value={formatCount(coverage.casesTried)}
        label={`cases of ${counted(coverage.probesTried, 'probe')}`}
      />
      <Tile
        value={formatCount(gating)}
        label={`${gating === 1 ? 'leak' : 'leaks'} (as written: ${formatCount(asWritten)})`}
      />
      {mutants.total === 0 ? (
        <Tile value="not proven" label="detector: no mutant was tried" />
      ) : (
        <Tile
          value={`${formatCount(mutants.killed)} / ${formatCount(mutants.total)}`}
          label={`mutants killed, ${formatCount(controls.silent)} / ${formatCount(controls.total)} controls silent`}
        />
      )}
      <Tile
        value={mean === null ? 'not measured' : formatRatio(mean)}
        label="hardened row security vs plain, mean of queries"
      />
    </dl>
  )
}

function Tile({ value, label }: { readonly value: string; readonly label: string }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{value}</dd>
    </div>
  )
}
