/** The tenancies side by side: what each one held, and what it costs. */

import type { Measurement } from '../model/measurement.ts'
import type { Report } from '../model/report.ts'
import type { TenancyName, Variant } from '../model/tenancy.ts'
import { outcomes, severities, type Outcome, type Severity } from '../model/verdict.ts'

export interface TenancyRow {
  readonly title: string
  readonly worlds: number
  readonly verdicts: Readonly<Record<Outcome, number>>
  readonly findings: readonly (readonly [severity: Severity, count: number])[]
  /** Geometric mean of the ratios to a plain query; null when nothing was measured. */
  readonly meanRatio: number | null
  readonly worst: Measurement | null
}

interface Contender {
  readonly title: string
  readonly tenancy: TenancyName
  readonly variant: Variant
  /** Variant of the measurements that belong to it. */
  readonly measured: string
}

const contenders: readonly Contender[] = [
  {
    title: 'Row-level security, hardened',
    tenancy: 'row-level-security',
    variant: 'hardened',
    measured: 'hardened',
  },
  {
    title: 'Schema per tenant',
    tenancy: 'schema-per-tenant',
    variant: 'hardened',
    measured: 'schema-per-tenant',
  },
  {
    title: 'Row-level security, as written',
    tenancy: 'row-level-security',
    variant: 'as-written',
    measured: 'as-written',
  },
]

export function tenancyRows(report: Report): TenancyRow[] {
  return contenders
    .map((each) => rowOf(report, each))
    .filter((row) => row.worlds > 0 || row.worst !== null)
}

/** Null of an empty list and of ratios that are no positive number. */
export function geometricMean(measurements: readonly Measurement[]): number | null {
  const ratios = measurements.map((each) => each.ratio)
  if (ratios.length === 0 || ratios.some((ratio) => !(ratio > 0 && Number.isFinite(ratio))))
    return null
  return Math.exp(ratios.reduce((total, ratio) => total + Math.log(ratio), 0) / ratios.length)
}

function rowOf(report: Report, { title, tenancy, variant, measured }: Contender): TenancyRow {
  const belongs = (world: { readonly tenancy: TenancyName; readonly variant: Variant }) =>
    world.tenancy === tenancy && world.variant === variant
  const verdicts = report.verdicts.filter((verdict) => belongs(verdict.world))
  const findings = report.findings.filter((finding) => belongs(finding.world))
  const measurements = report.measurements.filter((each) => each.variant === measured)
  return {
    title,
    worlds: new Set(verdicts.map((verdict) => verdict.database)).size,
    verdicts: Object.fromEntries(
      outcomes.map((outcome) => [
        outcome,
        verdicts.filter((verdict) => verdict.outcome === outcome).length,
      ]),
    ) as Record<Outcome, number>,
    findings: severities
      .map(
        (severity) =>
          [severity, findings.filter((finding) => finding.severity === severity).length] as const,
      )
      .filter(([, count]) => count > 0),
    meanRatio: geometricMean(measurements),
    worst: measurements.toSorted((a, b) => b.ratio - a.ratio)[0] ?? null,
  }
}
