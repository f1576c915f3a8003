/** The score of generated mutants in words, for every rendering. */

import type { GeneratedScore } from '../model/generated.ts'
import { counted, formatCount } from './number.ts'

/** How many of those that reach others were killed, and how sure that is. */
export function generatedLine({ killed, reaching, interval, seed }: GeneratedScore): string {
  if (reaching === 0) return `none of the edits drawn by seed ${seed} reaches another tenant`
  return (
    `${formatCount(killed)} of ${counted(reaching, 'generated mutant')} killed, ` +
    `${percent(interval.low)} to ${percent(interval.high)} at ${percent(interval.level)}`
  )
}

/** Everything that was drawn and does not count as one of those. */
export function setAsideLine(score: GeneratedScore): string {
  const { tried, candidates, latent, reported, own, equivalent, undecided } = score
  return (
    `${formatCount(tried)} of ${formatCount(candidates)} edits tried; ` +
    `${formatCount(latent)} latent, ${formatCount(reported)} of them reported; ` +
    `${formatCount(own)} change only what is the tenant's own, ${formatCount(equivalent)} nothing, ` +
    `${formatCount(undecided.length)} could not be decided`
  )
}

/** One decimal: 20 of 20 and 200 of 200 differ in nothing else. */
function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`
}
