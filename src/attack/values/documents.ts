/** Documents about a row: its values under the names that a program may ask for, flat, nested and in lists. */

import type { KnownValue, Wish } from './known-values.ts'

/** How programs call the tenant, the row and what they wrap documents in. */
const tenantNames = ['tenant_id', 'tenant', 'tenantId', 'org_id', 'account', 'schema']
const wrappers = ['data', 'filter', 'payload', 'attributes', 'params', 'where', 'user', 'context']
const tenantLike = /tenant|org|account|owner|company|schema/i

/** One row of a tenant, and the tenant of which a program may think that it is asking. */
export interface About {
  readonly tenant: string
  /** The tenant that stands at the top while the other one stands below; the same where nothing is hidden. */
  readonly outside: string
  readonly row: readonly KnownValue[]
}

type Scalars = Readonly<Record<string, unknown>>

/** JSON texts, the likeliest first. */
export function documentsAbout(about: About, wish: Wish): readonly string[] {
  const asked = keysIn(wish.about)
  const inside = scalarsOf(about.tenant, about, asked)
  const outside = { ...inside, ...tenantsOf(about.outside, asked) }
  const keys = [...new Set([...asked, ...wrappers, ...tenantNames.slice(1, 2), objectKey(about)])]
  const wrapped = (top: Scalars, inner: unknown) => ({
    ...Object.fromEntries(keys.map((key) => [key, inner])),
    ...Object.fromEntries(Object.entries(top).filter(([key]) => !keys.includes(key))),
  })
  const named = { ...inside, id: about.tenant, name: about.tenant }
  const documents: readonly unknown[] = [
    inside,
    wrapped(inside, inside),
    { ...outside, ...Object.fromEntries(notTenants(keys).map((key) => [key, inside])) },
    { ...outside, ...Object.fromEntries(notTenants(keys).map((key) => [key, idsOf(about)])) },
    wrapped(inside, named),
    wrapped(inside, wrapped(inside, inside)),
    [inside],
    wrapped(inside, [inside]),
    { ...inside, ids: idsOf(about), items: [inside], rows: [inside] },
    idsOf(about),
    outside,
    Object.fromEntries(Object.entries(inside).filter(([key]) => !tenantLike.test(key))),
    idsOf(about)[0] ?? null,
    { ...inside, tenant_id: null },
  ]
  return [...new Set(documents.map((each) => JSON.stringify(each)))]
}

function notTenants(keys: readonly string[]): readonly string[] {
  return keys.filter((key) => !tenantLike.test(key))
}

/** Words in quotes: `doc ->> 'customer'`, `'{filter,tenant}'`, jsonb_extract_path(doc, 'a', 'b'). */
function keysIn(source: string): readonly string[] {
  const quoted = [...source.matchAll(/'\{?(\w[\w, ]{0,60})\}?'/g)].flatMap(([, words = '']) =>
    words.split(/[, ]+/),
  )
  // jsonb_to_record(doc) AS x (id uuid, tenant text) names its keys as columns.
  const columns = [...source.matchAll(/[(,]\s*(\w+)\s+(?:uuid|text|bigint|int|jsonb?)\b/gi)].map(
    ([, word = '']) => word,
  )
  const words = [...quoted, ...columns].filter((word) => /^[a-z_]\w*$/i.test(word))
  return [...new Set(words)].slice(0, 12)
}

function tenantsOf(tenant: string, asked: readonly string[]): Scalars {
  const names = [...tenantNames, ...asked.filter((key) => tenantLike.test(key))]
  return Object.fromEntries(names.map((name) => [name, tenant]))
}

/** The row as to_jsonb() writes it, its id under every name by which it may be asked for, and the tenant. */
function scalarsOf(tenant: string, { row }: About, asked: readonly string[]): Scalars {
  const [first] = row
  const id = row.find(({ column }) => column === 'id') ?? first
  const names = ['id', 'uuid', 'key', 'ref', `${singular(id?.object ?? 'row')}_id`]
  const forAsked = asked.map((key): readonly [string, unknown] => {
    const same = row.find(({ column }) => column === key)
    const isList = /ids$|list$/.test(key)
    return [key, same?.value ?? (isList ? [id?.value ?? null] : (id?.value ?? null))]
  })
  return {
    ...Object.fromEntries(names.map((name) => [name, id?.value ?? null])),
    ...Object.fromEntries(forAsked),
    ...Object.fromEntries(row.map(({ column, value }) => [column, value])),
    ...tenantsOf(tenant, asked),
  }
}

function idsOf({ row }: About): readonly string[] {
  return row.filter(({ column }) => column === 'id').map(({ value }) => value)
}

function objectKey({ row }: About): string {
  return singular(row[0]?.object ?? 'row')
}

/** `isp_billing_invoices` is an invoice. */
function singular(object: string): string {
  return (object.split('_').at(-1) ?? object).replace(/s$/, '')
}
