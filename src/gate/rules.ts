/** What the gate demands; validated before anything runs, so that a typo costs no ten minutes. */

import { WatertightError } from '../errors.ts'

export const failOnLevels = ['critical', 'high', 'medium', 'low', 'never'] as const
export type FailOn = (typeof failOnLevels)[number]

export interface GateRules {
  /** Least severity that shuts the isolation gate. Default `medium`; `never` only reports. */
  readonly failOn: FailOn
  /** Also demands every pooler tested and every speed comparison decided. Default false. */
  readonly strict: boolean
  readonly coverage: 'complete'
  /**
   * Largest ratio of hardened row security to plain queries. Default 2, bounds 1 to 1,000. The gate
   * shuts when the lower bound of the interval is above it.
   */
  readonly maxHardenedOverhead: number
  /** A run that was asked for a part of the probes may hold. Default false. */
  readonly allowPartial: boolean
  /** A run must have proven its detector with mutants. Default true. */
  readonly requireMutants: boolean
}

export const defaultRules: GateRules = Object.freeze({
  failOn: 'medium',
  strict: false,
  coverage: 'complete',
  maxHardenedOverhead: 2,
  requireMutants: true,
  allowPartial: false,
})

const parsers: { readonly [Key in keyof GateRules]: (value: unknown) => GateRules[Key] | null } = {
  failOn: (value) => failOnLevels.find((level) => level === value) ?? null,
  strict: booleanOf,
  coverage: (value) => (value === 'complete' ? 'complete' : null),
  maxHardenedOverhead: ratioOf,
  requireMutants: booleanOf,
  allowPartial: booleanOf,
}

const wanted: { readonly [Key in keyof GateRules]: string } = {
  failOn: `one of ${failOnLevels.join(', ')}`,
  strict: 'true or false',
  coverage: 'complete',
  maxHardenedOverhead: 'a ratio from 1 to 1000 such as 2 or 2x',
  requireMutants: 'true or false',
  allowPartial: 'true or false',
}

/** Fills a part, from a config file or flags, up with the defaults. @throws WATERTIGHT_BAD_RULE. */
export function rulesFrom(part: Readonly<Record<string, unknown>>): GateRules {
  const entries = Object.entries(part).filter(([, value]) => value !== undefined)
  return Object.freeze(
    Object.assign({ ...defaultRules }, ...entries.map(([key, value]) => parseEntry(key, value))),
  )
}

function parseEntry(key: string, value: unknown): Partial<GateRules> {
  if (!isRuleKey(key)) throw badRule(`There is no gate rule ${JSON.stringify(key)}`)
  const parsed = parsers[key](value)
  if (parsed !== null) return { [key]: parsed }
  throw badRule(`The gate rule ${key} cannot be ${JSON.stringify(value)}; it wants ${wanted[key]}`)
}

function isRuleKey(key: string): key is keyof GateRules {
  return Object.hasOwn(parsers, key)
}

function booleanOf(value: unknown): boolean | null {
  if (value === true || value === 'true') return true
  return value === false || value === 'false' ? false : null
}

/** A ratio has no unit but may be written with an x; `150%` or `2ms` is another quantity. */
function ratioOf(value: unknown): number | null {
  const number =
    typeof value === 'string' && /^\d+(\.\d+)?x?$/.test(value) ? Number.parseFloat(value) : value
  return typeof number === 'number' && number >= 1 && number <= 1000 ? number : null
}

function badRule(sentence: string): WatertightError {
  return new WatertightError('WATERTIGHT_BAD_RULE', sentence, {
    hint: `The rules are ${Object.entries(wanted)
      .map(([key, want]) => `${key} (${want})`)
      .join('; ')}`,
  })
}
