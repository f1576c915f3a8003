/** Seeded randomness: every value follows from the seed and from what it is for, never from the order. */

/**
 * 32 bits of any text. Each lane is a hash of its own: the state is folded at every step, so two
 * texts that meet in one lane do not meet in the next.
 */
export function hash32(text: string, lane = 0): number {
  let hash = 0x811c9dc5 ^ Math.imul(lane, 0x9e3779b1)
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
    hash ^= hash >>> 15
  }
  return mix32(hash)
}

/** The finaliser of murmur3: a permutation of the 32-bit integers, so different in gives different out. */
export function mix32(value: number): number {
  let mixed = value
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

/** A counter put through mix32: a period of 2^32 is plenty for the values of one row. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** An integer from 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    return mix32(this.#state)
  }

  /** An integer from 0 to below - 1. */
  below(below: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * below)
  }

  /** @throws RangeError for an empty list. */
  pick<T>(values: readonly T[]): T {
    if (values.length === 0) throw new RangeError('cannot pick from an empty list')
    return values[this.below(values.length)] as T
  }
}
