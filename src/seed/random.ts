/** Seeded randomness: every value follows from the seed and from what it is for, never from the order. */

/** 32-bit FNV-1a with a final avalanche, of any text. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  return avalanche(hash)
}

/** mulberry32: a small generator with a period of 2^32, enough for the values of one row. */
export class Random {
  #state: number

  constructor(seed: number) { this.#state = seed | 0 }

  /** An integer from 0 to 2^32 - 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    return avalanche(this.#state)
  }

  /** An integer from 0 to below - 1. */
  below(below: number): number {
    return Math.floor((this.next() / 0x1_0000_0000) * below)
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)]
    if (value === undefined) throw new Error('cannot pick from an empty list')
    return value
  }
}

function avalanche(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
