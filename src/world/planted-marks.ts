/** Recognises planted rows in any output, by the tag in their ids and the watermark in their texts. */

import { decodingsOf } from './decoded.ts'
import type { Row } from '../model/observation.ts'
import type { Ownership, OwnershipOracle } from '../model/ownership.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import { identifier, literal } from '../sql/identifier.ts'

/**
 * A planted uuid (version 8, variant 1, written with `a`) or a watermark; group 1 is the tag, group 2
 * the watermark. No word boundaries: a mark inside a longer word is still somebody's. Any case and with
 * or without hyphens, as upper() and replace() are no disguise.
 */
const marks =
  /([0-9a-f]{8})-?[0-9a-f]{4}-?8[0-9a-f]{3}-?a[0-9a-f]{3}-?[0-9a-f]{12}|(w[0-9a-v]{9})/gi
/** A mark that is read from its end. */
const reversedMarks =
  /[0-9a-f]{12}-?[0-9a-f]{3}a-?[0-9a-f]{3}8-?[0-9a-f]{4}-?([0-9a-f]{8})|([0-9a-v]{9}w)/gi
/** Length of the shorter mark: shorter texts need no look. */
const markLengthMin = 10
/** Values remembered, and the longest of them. */
const seenMax = 30_000
const seenLengthMax = 400

export interface Marked {
  readonly mark: string
  /** What stands beside it in the same text, a few letters. */
  readonly before: string
  readonly after: string
}

const besideMax = 6

/** Everything in the text that could be a mark. */
export function marksIn(text: string): readonly Marked[] {
  return [...text.matchAll(marks), ...text.matchAll(reversedMarks)].map(({ 0: mark, index }) => ({
    mark,
    before: text.slice(Math.max(0, index - besideMax), index),
    after: text.slice(index + mark.length, index + mark.length + besideMax),
  }))
}

export interface PlantedOptions {
  /** True when a tenant's rows lie in its schema. */
  readonly bySchema: boolean
  /** Columns that carry the tenant's id. */
  readonly columns: readonly string[]
}

/** Tenants must carry unique tags and watermarks, as planned ones do. */
export function plantedOwnership(
  tenants: readonly Tenant[],
  { bySchema, columns }: PlantedOptions,
): OwnershipOracle {
  const marked = ownershipOf(tenants)
  const schemas = new Map(bySchema ? tenants.map(({ schema, id }) => [schema, id]) : [])
  const byId = new Map(tenants.map((tenant) => [tenant.id, tenant]))
  const ownerByPlace: OwnershipOracle['ownerByPlace'] = ({ schema }) => schemas.get(schema) ?? null
  const marksOf = (id: TenantId) => {
    const tenant = byId.get(id)
    return tenant === undefined ? [] : [tenant.tag, tenant.watermark]
  }
  return {
    ...marked,
    columns,
    ownerByPlace,
    ownersOf: (row, from) => {
      const owners = new Set(
        columns.flatMap((name) => [...marked.ownersIn(row, { tenantColumn: name })]),
      )
      const located = from === null ? null : ownerByPlace(from)
      return located === null ? owners : owners.add(located)
    },
    ownerSql: (relation) => {
      const located = ownerByPlace(relation)
      if (located !== null) return literal(located)
      return relation.tenantColumn === null ? null : `t.${identifier(relation.tenantColumn)}::text`
    },
    giveSql: ({ tenantColumn }, to) =>
      tenantColumn === null ? null : `${identifier(tenantColumn)} = ${literal(to)}`,
    marksOf,
    sessionMark: (id) => marksOf(id).at(-1) ?? id,
  }
}

function ownershipOf(tenants: readonly Tenant[]): Ownership {
  const byMark = new Map(
    tenants.flatMap(
      ({ id, tag, watermark }) =>
        [
          [tag, id],
          [watermark, id],
        ] as const,
    ),
  )
  const known = new Set(tenants.map((tenant) => tenant.id))
  const addMarked = (text: string, owners: Set<TenantId>): void => {
    // Not matchAll, which copies the expression for every value at three times the cost. The loop ends
    // with no match, and that sets lastIndex back for the next value.
    for (let match = marks.exec(text); match !== null; match = marks.exec(text)) {
      const owner = byMark.get((match[1] ?? match[2] ?? '').toLowerCase())
      if (owner !== undefined) owners.add(owner)
    }
    for (let match = reversedMarks.exec(text); match !== null; match = reversedMarks.exec(text)) {
      const mark = (match[1] ?? match[2] ?? '').toLowerCase()
      const owner = byMark.get([...mark].reverse().join(''))
      if (owner !== undefined) owners.add(owner)
    }
  }
  const lookAt = (text: string): ReadonlySet<TenantId> => {
    const owners = new Set<TenantId>()
    addMarked(text, owners)
    for (const decoded of decodingsOf(text)) addMarked(decoded, owners)
    return owners
  }
  // The same values are met in thousands of answers: looking one up is cheaper than looking at it.
  const seen = new Map<string, ReadonlySet<TenantId>>()
  const addOwners = (value: unknown, owners: Set<TenantId>): void => {
    const text = textOf(value)
    if (text.length < markLengthMin) return
    let found = seen.get(text)
    if (found === undefined) {
      found = lookAt(text)
      if (seen.size >= seenMax) seen.clear()
      if (text.length <= seenLengthMax) seen.set(text, found)
    }
    for (const owner of found) owners.add(owner)
  }
  return {
    ownerOfValue: (value) => {
      const owners = new Set<TenantId>()
      addOwners(value, owners)
      const [first] = owners
      return first ?? null
    },
    ownersIn: (row, options) =>
      ownersOfRow(row, options?.tenantColumn ?? null, { known, addOwners }),
  }
}

interface Recognition {
  readonly known: ReadonlySet<TenantId>
  readonly addOwners: (value: unknown, owners: Set<TenantId>) => void
}

function ownersOfRow(
  row: Row,
  tenantColumn: string | null,
  { known, addOwners }: Recognition,
): ReadonlySet<TenantId> {
  const owners = new Set<TenantId>()
  for (const [name, value] of Object.entries(row)) {
    if (name === tenantColumn && typeof value === 'string' && known.has(value)) owners.add(value)
    else addOwners(value, owners)
  }
  return owners
}

/** An error speaks through message, detail and where; JSON alone would leave the message out. */
function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return ''
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  const said: unknown = JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'bigint'
      ? String(part)
      : part instanceof Error
        ? { ...part, message: part.message }
        : part,
  )
  return typeof said === 'string' ? said : ''
}
