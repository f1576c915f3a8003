/** Differential experiments: the same statement twice must get the same answer. */

import type { Attempt, Step } from '../model/observation.ts'
import { isInterruption } from '../postgres/session/sqlstate.ts'

/** Comparisons come in pairs; true when the two answers of any pair differ. */
export function answersDiffer(attempt: Attempt): boolean {
  const answers = comparedAnswers(attempt) ?? []
  return answers.some((answer, index) => index % 2 === 1 && answer !== answers[index - 1])
}

/**
 * The answers of a differential experiment as comparable texts; null when any step was interrupted,
 * because a time-out that differs from an answer proves nothing.
 */
function comparedAnswers(attempt: Attempt): readonly string[] | null {
  const interrupted = attempt.steps.some(
    ({ observation }) =>
      observation.kind === 'indeterminate' && isInterruption(observation.sqlstate),
  )
  if (interrupted) return null
  return attempt.steps
    .filter((step) => step.role === 'comparison')
    .map(({ observation }) =>
      observation.kind === 'rows'
        ? `${observation.affected ?? 0} rows`
        : String(observation.sqlstate),
    )
}

/** One answer as a text to compare: rows, or SQLSTATE and message; null when it was interrupted. */
export function answerOf({ observation }: Step): string | null {
  if (observation.kind === 'rows')
    return `${observation.affected ?? 0} rows ${JSON.stringify(observation.rows)}`
  return isInterruption(observation.sqlstate)
    ? null
    : `${observation.sqlstate ?? ''} ${observation.message}`
}

/** True for an answer of the server that keeps a tenant from its own rows: not for a time-out or a lost connection. */
export function isDenial({ observation }: Step): boolean {
  return observation.kind !== 'rows' && !isInterruption(observation.sqlstate)
}
