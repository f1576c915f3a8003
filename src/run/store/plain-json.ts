/** Values that JSON alone would lose without a word: maps, sets, large and boundless numbers. */

/** The value in JSON's own terms; a map that came back as an empty object would let a judge see nothing. */
export function toPlain(value: unknown): unknown {
  if (typeof value === 'bigint') return { $bigint: [String(value)] }
  if (typeof value === 'number' && !Number.isFinite(value)) return { $number: [String(value)] }
  if (typeof value !== 'object' || value === null) return value
  if (value instanceof Map) return { $map: [...value].map(toPlain) }
  if (value instanceof Set) return { $set: [...value].map(toPlain) }
  if (Array.isArray(value)) return value.map(toPlain)
  if ('toJSON' in value) return value
  return mapped(value, toPlain)
}

/** What `toPlain` was given. */
export function fromPlain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(fromPlain)
  const [[key, content] = ['', null], ...more] = Object.entries(value)
  if (more.length > 0 || !key.startsWith('$') || !Array.isArray(content))
    return mapped(value, fromPlain)
  const list = content.map(fromPlain)
  if (key === '$map') return new Map(list as [unknown, unknown][])
  if (key === '$set') return new Set(list)
  if (key === '$bigint') return BigInt(String(list[0]))
  return key === '$number' ? Number(list[0]) : { [key]: list }
}

function mapped(value: object, change: (each: unknown) => unknown): object {
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, change(each)]))
}
