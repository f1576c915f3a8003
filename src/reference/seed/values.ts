/** Invents the values of a column. Natural keys carry the tenant's watermark, as planted ids its tag. */

import type { Fill } from '../../dotmac/models/model.ts'
import type { Tenant } from '../../model/tenant.ts'
import type { Random } from './random.ts'
import { words } from './words.ts'

/** Fixed, so that a seed gives the same rows in any year. */
const epochMs = Date.UTC(2026, 0, 1)
const dayMs = 86_400_000
const historyDays = 730
/** What a row reports happened within this time of what it reported before. */
const delayMsMax = 30 * dayMs

export interface ValueContext {
  readonly tenant: Tenant
  readonly random: Random
  /** Number of the row within the tenant's table; 0 is the canary. */
  readonly row: number
  /** Time of what the row reports next; never goes back, so no row is updated before it is created. */
  readonly moment: () => string
}

/** Timestamps of one row, none after the epoch. */
export function momentsOf(random: Random): () => string {
  let atMs: number | null = null
  return () => {
    atMs =
      atMs === null
        ? epochMs - 1_000 - random.below(historyDays * 86_400 - 1) * 1_000
        : Math.min(epochMs - 1_000, atMs + random.below(delayMsMax / 1_000) * 1_000)
    return new Date(atMs).toISOString()
  }
}

/** Text of the value in PostgreSQL's input syntax. */
export function inventValue(fill: Fill, context: ValueContext): string {
  const { random, row, tenant } = context
  if (typeof fill === 'object') return random.pick(fill.oneOf)
  const mark = tenant.watermark
  switch (fill) {
    case 'person':
      return `${random.pick(words.given)} ${random.pick(words.family)} ${mark}`
    case 'company':
      return `${random.pick(words.city)} ${random.pick(words.trade)} ${mark}`
    case 'email':
      return `${random.pick(words.account)}.${mark}.${row}@example.net`
    case 'hostname':
      return `${random.pick(words.device)}-${row}.${mark}.example.net`
    case 'serial':
      return `${random.pick(words.prefix)}-${mark}-${String(row).padStart(6, '0')}`
    case 'sentence':
      return `${random.pick(words.subject)} ${random.pick(words.event)} (${mark})`
    case 'reference':
      return `REF-${mark}-${String(row).padStart(6, '0')}`
    case 'json':
      return JSON.stringify({
        note: `${random.pick(words.subject)} ${mark}`,
        priority: random.below(5),
      })
    case 'street':
      return `${random.pick(words.street)} ${1 + random.below(240)}`
    case 'city':
      return random.pick(words.city)
    case 'country':
      return random.pick(words.country)
    case 'tenant schema':
      return tenant.schema
    case 'tenant role':
      return tenant.role
    default:
      return inventPlain(fill, context)
  }
}

type PlainFill =
  | 'phone'
  | 'postcode'
  | 'money'
  | 'quantity'
  | 'bytes'
  | 'percent'
  | 'date'
  | 'timestamp'
  | 'past timestamp'
  | 'inet'
  | 'mac'
  | 'flag'
  | 'number'

function inventPlain(fill: PlainFill, { random, row, moment }: ValueContext): string {
  switch (fill) {
    case 'phone':
      return `+${30 + random.below(60)} ${100 + random.below(900)} ${digits(random.below(10_000_000), 7)}`
    case 'postcode':
      return String(10_000 + random.below(90_000))
    case 'money':
      return `${5 + random.below(495)}.${digits(random.below(100), 2)}`
    case 'quantity':
      return String(1 + random.below(100))
    case 'bytes':
      return String(random.next() * 16)
    case 'percent':
      return (random.below(10_000) / 100).toFixed(2)
    case 'date':
      return new Date(epochMs - (1 + random.below(historyDays)) * dayMs).toISOString().slice(0, 10)
    case 'timestamp':
    case 'past timestamp':
      return moment()
    case 'inet':
      return `10.${random.below(256)}.${random.below(256)}.${1 + random.below(254)}`
    case 'mac':
      return macOf(random)
    case 'flag':
      return random.below(10) === 0 ? 'false' : 'true'
    case 'number':
      return String(row + 1)
  }
}

/** Locally administered, so that it can be nobody's hardware. */
function macOf(random: Random): string {
  const octet = () => random.below(256).toString(16).padStart(2, '0')
  return `02:${octet()}:${octet()}:${octet()}:${octet()}:${octet()}`
}

function digits(value: number, length: number): string {
  return String(value).padStart(length, '0')
}
