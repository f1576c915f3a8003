/** The proof of each probe that a run counts: it killed a mutant of its own by itself, and its controls can say no. */

import type { ProbeProof } from '../../model/detector.ts'
import type { LoadedProbe } from '../../probe/ask.ts'
import type { BlindAnswer } from './blind-twin.ts'
import type { OwnProof } from './prove.ts'

export interface ProofOfProbes {
  /** Probes whose cells are to count. */
  readonly probes: readonly LoadedProbe[]
  readonly own: readonly OwnProof[]
  /** What the blind twin heard, by probe; null where it was not asked. */
  readonly blind: ReadonlyMap<string, BlindAnswer> | null
  /** Why a probe had no mutant of its own to kill, by probe. */
  readonly lacking: ReadonlyMap<string, string>
}

/** Pure; the order is that of the probes. */
export function proofOfProbes({ probes, own, blind, lacking }: ProofOfProbes): ProbeProof[] {
  return probes.map(({ id }): ProbeProof => {
    const tried = own.filter(({ probe }) => probe === id)
    const killed = tried.find(({ seen }) => seen !== null)
    const [best] = killed === undefined ? tried : [killed]
    const answer = blind?.get(id)
    const blindness = answer?.liar ?? null
    const proof = { probe: id, mutant: best?.mutant ?? null, blindCells: answer?.cells ?? null }
    if (best === undefined) {
      const why = lacking.get(id) ?? 'there is no mutant of its own'
      return { ...proof, proven: false, reason: why }
    }
    if (killed === undefined) {
      return { ...proof, proven: false, reason: `it did not see ${best.mutant}: ${best.reason}` }
    }
    return blindness === null
      ? { ...proof, proven: true, reason: killed.seen?.sentence ?? killed.reason }
      : {
          ...proof,
          proven: false,
          reason: `its control says yes where nothing can be seen: ${blindness}`,
        }
  })
}
