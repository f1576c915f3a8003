/** Invents the values of a column. Natural keys carry the tenant's watermark, as planted ids its tag. */

import type { Fill } from '../dotmac/models/model.ts'
import type { PlannedTenant } from './plan.ts'
import { hash32, type Random } from './random.ts'

/** Fixed, so that a seed gives the same rows in any year. */
const epochMs = Date.UTC(2026, 0, 1)
const dayMs = 86_400_000

const words = {
  given: ['Ana', 'Bram', 'Chidi', 'Dolores', 'Emre', 'Fatou', 'Goran', 'Hana', 'Ines', 'Jonas', 'Kwame', 'Lena', 'Mateo', 'Noor', 'Olga', 'Priya'],
  family: ['Silva', 'Okafor', 'Novak', 'Lindqvist', 'Garcia', 'Haddad', 'Kim', 'Moreau', 'Nguyen', 'Petrov', 'Rossi', 'Sato', 'Tanaka', 'Weber', 'Yilmaz', 'Zhang'],
  street: ['Harbour Road', 'Station Street', 'Mill Lane', 'Elm Avenue', 'Kirchweg', 'Rue des Lilas', 'Via Roma', 'Calle Mayor'],
  city: ['Lisbon', 'Lagos', 'Ghent', 'Malmo', 'Sevilla', 'Izmir', 'Brno', 'Nantes', 'Torino', 'Leipzig'],
  country: ['PT', 'NG', 'BE', 'SE', 'ES', 'TR', 'CZ', 'FR', 'IT', 'DE'],
  subject: ['Router', 'Invoice', 'Uplink', 'Customer portal', 'Backup job', 'Fiber splice', 'Power supply', 'DHCP pool'],
  event: ['checked by field team', 'needs a second visit', 'restored after outage', 'reported twice', 'escalated to tier two', 'confirmed by mail'],
  device: ['core', 'edge', 'olt', 'agg', 'cpe'],
} as const

export interface ValueContext {
  readonly tenant: PlannedTenant
  readonly random: Random
  /** Number of the row within the tenant's table; 0 is the canary. */
  readonly row: number
  readonly canary: string
}

/** Text of the value in PostgreSQL's input syntax. */
export function inventValue(fill: Fill, context: ValueContext): string {
  const { random, row, tenant } = context
  if (typeof fill === 'object') return random.pick(fill.oneOf)
  const mark = tenant.watermark
  switch (fill) {
    case 'person': return `${random.pick(words.given)} ${random.pick(words.family)} ${mark}`
    case 'company': return `${random.pick(words.city)} ${random.pick(['Net', 'Fiber', 'Telecom'])} ${mark}`
    case 'email': return `${random.pick(words.given)}.${random.pick(words.family)}.${mark}.${row}@example.net`.toLowerCase()
    case 'phone': return `+${30 + random.below(60)} ${100 + random.below(900)} ${String(random.below(10_000_000)).padStart(7, '0')}`
    case 'street': return `${random.pick(words.street)} ${1 + random.below(240)}`
    case 'city': return random.pick(words.city)
    case 'postcode': return String(10_000 + random.below(89_999))
    case 'country': return random.pick(words.country)
    case 'hostname': return `${random.pick(words.device)}-${row}.${mark}.example.net`
    case 'serial': return `${random.pick(['SN', 'INV', 'REF', 'JOB'])}-${mark}-${String(row).padStart(6, '0')}`
    case 'sentence': return `${random.pick(words.subject)} ${random.pick(words.event)} (${mark})`
    case 'json': return JSON.stringify({ note: `${random.pick(words.subject)} ${mark}`, priority: random.below(5) })
    case 'tenant schema': return tenant.schema
    case 'tenant role': return tenant.role
    default: return inventPlain(fill, context)
  }
}

function inventPlain(fill: Exclude<Fill, object>, { random, row }: ValueContext): string {
  switch (fill) {
    case 'money': return `${5 + random.below(495)}.${String(random.below(100)).padStart(2, '0')}`
    case 'quantity': return String(1 + random.below(100))
    case 'bytes': return String(random.next() * 16)
    case 'percent': return (random.below(10_000) / 100).toFixed(2)
    case 'date': return new Date(epochMs - random.below(730) * dayMs).toISOString().slice(0, 10)
    case 'timestamp':
    case 'past timestamp': return new Date(epochMs - random.below(730 * 86_400) * 1_000).toISOString()
    case 'inet': return `10.${random.below(256)}.${random.below(256)}.${1 + random.below(254)}`
    case 'mac': return Array.from({ length: 6 }, (_, index) =>
      (index === 0 ? 2 : random.below(256)).toString(16).padStart(2, '0')).join(':')
    case 'flag': return random.below(10) === 0 ? 'false' : 'true'
    case 'number': return String(row + 1)
    default: throw new Error(`no value is known for ${fill}`)
  }
}

/** A uuid whose first eight digits are the tenant's tag; the rest follows from seed, table and row. */
export function plantedUuid(tag: string, seed: number, place: { readonly table: string; readonly row: number }): string {
  const part = (label: string) => hash32(`${label} ${seed} ${tag} ${place.table} ${place.row}`).toString(16).padStart(8, '0')
  const [a, b, c] = [part('a'), part('b'), part('c')]
  return `${tag}-${a.slice(0, 4)}-8${a.slice(4, 7)}-a${b.slice(0, 3)}-${b.slice(3)}${c.slice(0, 7)}`
}
