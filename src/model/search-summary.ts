/** What a search did beyond asking every cell once. */

export interface SearchSummary {
  /** Time that was given in ms; null when every cell was asked once. */
  readonly budgetMs: number | null
  readonly workers: number
  /** When every cell had been asked once, in ms from the start of the search; null when time was over before. */
  readonly firstPassMs: number | null
  /** Cells that were searched again, each counted as often as it was. */
  readonly rounds: number
  /** Cases of those rounds. */
  readonly cases: number
  /** Different SQLSTATEs that attacks of those rounds were answered with. */
  readonly sqlstates: number
  /** Different plans among those of the rounds; one of three attacks is asked for its plan. */
  readonly planShapes: number
  /** Counterexamples of earlier runs that were tried first, and how many of them still leak. */
  readonly known: { readonly tried: number; readonly leaking: number }
}

export const noSearch: SearchSummary = {
  budgetMs: null,
  workers: 1,
  firstPassMs: 0,
  rounds: 0,
  cases: 0,
  sqlstates: 0,
  planShapes: 0,
  known: { tried: 0, leaking: 0 },
}

/** Of searches at the same time. Numbers of different things are upper bounds: each worker counts its own. */
export function together(a: SearchSummary, b: SearchSummary): SearchSummary {
  return {
    budgetMs: a.budgetMs ?? b.budgetMs,
    workers: a.workers + b.workers,
    firstPassMs:
      a.firstPassMs === null || b.firstPassMs === null
        ? null
        : Math.max(a.firstPassMs, b.firstPassMs),
    rounds: a.rounds + b.rounds,
    cases: a.cases + b.cases,
    sqlstates: Math.max(a.sqlstates, b.sqlstates),
    planShapes: a.planShapes + b.planShapes,
    known: { tried: a.known.tried + b.known.tried, leaking: a.known.leaking + b.known.leaking },
  }
}
