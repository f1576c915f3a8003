/**
 * Channels that no setting inside one database closes: whoever runs SQL of its own can use them. They
 * are executed and measured like any other attack, and reported as assumptions unless the target
 * claims to have closed them.
 */

import type { Channel } from '../model/channel.ts'
import type { Witness } from '../model/observation.ts'
import type { CellVerdict } from '../model/verdict.ts'

/** Marks a witness as one of a channel, when there is such a channel. */
export function inherent(channel: Channel | undefined, witness: Witness | null): Witness | null {
  return witness === null || channel === undefined ? witness : { ...witness, inherent: channel }
}

/** A violation of an unclaimed channel becomes a stated assumption, with what was seen as its reason. */
export function withoutUnclaimed(verdict: CellVerdict, claims: ReadonlySet<string>): CellVerdict {
  const channel = verdict.counterexample?.witness.inherent
  if (verdict.outcome !== 'violated' || channel === undefined || claims.has(channel)) return verdict
  return {
    ...verdict,
    outcome: 'inapplicable',
    counterexample: null,
    inherent: { channel, seen: verdict.reason },
    reason: `inherent, not claimed (${channel}): ${verdict.reason}`,
  }
}
