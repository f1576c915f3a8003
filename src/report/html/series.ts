/** One colour class per variant, the same in tables, charts and legends. */

const known: Readonly<Record<string, string>> = {
  plain: 's0',
  'plain (A/A)': 's0',
  hardened: 's1',
  'as-written': 's2',
  'schema-per-tenant': 's3',
}

/** A class of the style sheet; variants nobody has named yet share the last one. */
export function seriesOf(variant: string): string {
  return Object.hasOwn(known, variant) ? (known[variant] ?? 's4') : 's4'
}
