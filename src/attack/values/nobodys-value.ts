/** A value of a column's type beside one that a row has, which a differential experiment takes for nobody's. */

const nobodysUuid = '11111111-2222-4333-8444-555555555555'

/**
 * Near the given value, so that it lies in the same partition and passes the same checks. Null for types that have
 * none: of two truth values or three words of an enumeration each is somebody's.
 * @param type as format_type() prints it
 */
export function nobodysValue(value: string, type: string): string | null {
  const family = type.replace(/\(.*?\)/, '').replace(/\[\]$/, '')
  if (family === 'uuid') return nobodysUuid
  if (['smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision'].includes(family)) {
    return family === 'smallint'
      ? String((Number(value) + 7_003) % 32_767)
      : plus(value, 7_000_003n)
  }
  if (family.startsWith('timestamp') || family.startsWith('time')) return withOtherFraction(value)
  if (family === 'date') return nextDay(value)
  if (['inet', 'cidr'].includes(family))
    return value.includes(':') ? '2001:db8::7bad' : '203.0.113.177'
  if (family === 'macaddr') return '02:00:5e:10:7b:ad'
  if (family === 'bytea') return `${value}7bad`
  if (['character varying', 'text', 'character', 'name', 'citext'].includes(family))
    return nearText(value, type)
  // A domain has a name of its own.
  if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i.test(value)) return nobodysUuid
  return /^\d{1,18}$/.test(value) ? plus(value, 7_003n) : null
}

function plus(value: string, step: bigint): string | null {
  const [whole = '', fraction] = value.split('.')
  if (!/^-?\d+$/.test(whole)) return null
  return `${BigInt(whole) + step}${fraction === undefined ? '' : `.${fraction}`}`
}

/** The same second: no other month, day or hour. */
function withOtherFraction(value: string): string | null {
  const found = /^(.*\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?(.*)$/.exec(value)
  if (found === null) return null
  const micros = (Number((found[2] ?? '').padEnd(6, '0')) + 270_493) % 1_000_000
  return `${found[1] ?? ''}.${String(micros).padStart(6, '0')}${found[3] ?? ''}`
}

function nextDay(value: string): string | null {
  const day = new Date(`${value}T00:00:00Z`)
  if (Number.isNaN(day.getTime())) return null
  return new Date(day.getTime() + 86_400_000).toISOString().slice(0, 10)
}

/** Not longer than the column is. */
function nearText(value: string, type: string): string {
  const most = Math.min(Number(/\((\d+)\)/.exec(type)?.[1] ?? 100), 100)
  const end = '~nobody'.slice(0, most)
  return `${[...value].slice(0, Math.min(30, most - end.length)).join('')}${end}`
}
