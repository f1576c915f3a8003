/** How a gauge is written: a question about speed, asked of the speed database. */

import type { Measurement, PlanCheck } from '../model/measurement.ts'
import type { Tenant } from '../model/tenant.ts'
import type { RoleNames } from '../model/roles.ts'
import type { Session } from '../postgres/session/session.ts'

export interface GaugeContext {
  /** The application's one backend, on which all variants are compared. */
  readonly session: Session
  readonly tenants: readonly Tenant[]
  readonly roles: RoleNames
  readonly seed: number
  /** Time this gauge may take, in ms. */
  readonly budgetMs: number
  /** True when the backend's /proc is this machine's. */
  readonly localBackend: boolean
  readonly signal?: AbortSignal
  /** Titles of the variants that are compared with the reference. Default: all. */
  readonly variants?: readonly string[]
  readonly onProgress?: (what: string) => void
}

export interface GaugeResult {
  readonly measurements: readonly Measurement[]
  readonly plans: readonly PlanCheck[]
  /** What could not be measured, and why; never dropped in silence. */
  readonly failures: readonly string[]
}

export interface Gauge {
  readonly claim: string
  readonly source: string
  /** Share of the benchmark time, any positive number. */
  readonly share: number
  measure(context: GaugeContext): Promise<GaugeResult>
}

export function defineGauge(gauge: Gauge): Gauge {
  return gauge
}
