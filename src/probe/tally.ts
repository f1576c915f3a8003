/** Counts what attempts showed: the evidence without which no verdict of `holds` is given. */

import type { Attempt, Step } from '../model/observation.ts'
import type { CellVerdict, Evidence, Outcome } from '../model/verdict.ts'
import { isInterruption } from '../postgres/session/sqlstate.ts'

const keptIndeterminate = 5

export class Tally {
  readonly #countsSteps: boolean
  casesTried = 0
  casesVacuous = 0
  controlsTried = 0
  controlsSeen = 0
  refused = 0
  indeterminate = 0
  readonly kept: CellVerdict['indeterminate'][number][] = []
  /** Tenants seen per backend, for probes that share backends; null elsewhere. */
  backends: Map<number | string, Set<string>> | null = null

  /**
   * `countsSteps` is false for recorded sessions: what strategies and their users send is not the
   * harness's to judge, a run over a pool counts what it asked itself.
   */
  constructor({ countsSteps = true }: { readonly countsSteps?: boolean } = {}) {
    this.#countsSteps = countsSteps
  }

  addAttempt(attempt: Attempt): void {
    if (attempt.vacuous === true) {
      this.casesVacuous += 1
      return
    }
    this.casesTried += 1
    if (!this.#countsSteps) return
    for (const step of attempt.steps) this.#addStep(step)
    if (attempt.steps.length === 0)
      this.#keep({ sql: '', sqlstate: null, message: 'nothing was executed' })
  }

  addControl(attempt: Attempt): void {
    this.controlsTried += 1
    if (attempt.steps.some((step) => step.role === 'control' && sawRows(step)))
      this.controlsSeen += 1
    for (const step of attempt.steps) {
      if (step.observation.kind === 'indeterminate') this.#addStep(step)
    }
  }

  /** An error of the harness itself: neither leak nor proof. */
  addError(error: unknown, sql = ''): void {
    this.#keep({
      sql,
      sqlstate: null,
      message: error instanceof Error ? error.message : String(error),
    })
  }

  addBackend(backend: number | string, tenant: string): void {
    this.backends ??= new Map()
    const tenants = this.backends.get(backend) ?? new Set()
    this.backends.set(backend, tenants.add(tenant))
  }

  evidence(casesAsked: number): Evidence {
    const { casesTried, controlsTried, controlsSeen, refused, indeterminate } = this
    const shared =
      this.backends === null
        ? null
        : [...this.backends.values()].filter((tenants) => tenants.size > 1).length
    return {
      casesAsked,
      casesTried,
      controlsTried,
      controlsSeen,
      refused,
      indeterminate,
      sharedBackends: shared,
    }
  }

  #addStep(step: Step): void {
    const { observation } = step
    if (observation.kind === 'refused' && (step.role === 'attack' || step.role === 'comparison'))
      this.refused += 1
    if (observation.kind !== 'indeterminate') return
    if (step.role === 'comparison' && !isInterruption(observation.sqlstate)) return
    this.#keep({ sql: step.sql, sqlstate: observation.sqlstate, message: observation.message })
  }

  #keep(entry: CellVerdict['indeterminate'][number]): void {
    this.indeterminate += 1
    if (this.kept.length < keptIndeterminate) this.kept.push(entry)
  }
}

/** True for rows returned and for rows written. */
export function sawRows(step: Step): boolean {
  const { observation } = step
  return (
    observation.kind === 'rows' && (observation.rows.length > 0 || (observation.affected ?? 0) > 0)
  )
}

export interface CellCircumstances {
  /** Whether the application holds the right that the path needs; `missing` where the platform grants it. */
  readonly privilege: 'granted' | 'absent' | 'missing'
  /** False when rows exist, and every input found nothing to attack. */
  readonly possible: boolean
}

/**
 * The outcome of a cell without a witness. Evidence decides: nothing tried, anything indeterminate
 * or a control that saw nothing is `unknown`.
 */
export function concludeCell(
  evidence: Evidence,
  { privilege, possible }: CellCircumstances,
): { readonly outcome: Outcome; readonly reason: string } {
  const unknown = (reason: string) => ({ outcome: 'unknown' as const, reason })
  if (!possible)
    return { outcome: 'inapplicable', reason: 'no two tenants have the rows that this path needs' }
  if (evidence.casesTried === 0) return unknown('no case was tried')
  if (evidence.casesTried < evidence.casesAsked) {
    return unknown(`only ${evidence.casesTried} of ${evidence.casesAsked} cases were tried`)
  }
  if (evidence.indeterminate > 0) {
    return unknown(`${evidence.indeterminate} answers were neither rows nor a refusal`)
  }
  if (evidence.sharedBackends === 0) return unknown('no backend provably served two tenants')
  if (privilege === 'missing') {
    return unknown(
      'the application lacks a privilege that the platform grants, so nothing was reached',
    )
  }
  if (privilege === 'absent') {
    return { outcome: 'holds', reason: `refused by privilege in all ${evidence.casesTried} cases` }
  }
  if (evidence.controlsSeen === 0) return unknown('no positive control saw a row of its own')
  return { outcome: 'holds', reason: `nothing foreign in ${evidence.casesTried} cases` }
}
