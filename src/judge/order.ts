/** The one ordering of outcomes, so that no merge can turn a leak or an unknown into a `holds`. */

import { outcomes, type Outcome } from '../model/verdict.ts'

/** Worst of a list; of an empty list it is `unknown`, because nothing was asked. */
export function worstOutcome(list: readonly Outcome[]): Outcome {
  return outcomes.find((outcome) => list.includes(outcome)) ?? 'unknown'
}
