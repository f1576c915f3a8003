/**
 * For a type, the values worth trying: the tenant's own in the order of their worth, and the edges that are
 * nobody's. Functions, writes and keys all ask here, so that a type that is learnt is learnt by all of them.
 */

import { literal } from '../../sql/identifier.ts'
import type { Tenant, TenantId } from '../../model/tenant.ts'
import type { World } from '../../world/world.ts'
import { attackId } from '../statements.ts'
import { derivedTexts, joinedTexts } from './derived-texts.ts'
import { documentsAbout } from './documents.ts'
import { knownValues, ranked, type KnownValue, type Wish } from './known-values.ts'
import type { Family, Shape } from './type-shape.ts'

export interface Whose {
  readonly world: World
  readonly tenant: TenantId
  /** Whose values stand beside them in a list, a range or a document. */
  readonly beside: TenantId
}

/** At most so many values of one plain type. */
const plainMax = 64

/** SQL expressions with values of the tenant, the likeliest first; empty where it has none of the type. */
export function valuesOf(shape: Shape, wish: Wish, whose: Whose): readonly string[] {
  const cast = castTo(shape)
  switch (shape.kind) {
    case 'plain':
      return plainValues(shape.family, wish, whose).slice(0, plainMax).map(cast)
    case 'enum':
      return []
    case 'array':
      return listsOf(shape.of, wish, whose).map(
        (list) => `ARRAY[${list.join(', ')}]::${shape.name}`,
      )
    case 'range':
      return valuesOf(shape.of, wish, whose).map(
        (value) => `${shape.name}(${value}, ${value}, '[]')`,
      )
    case 'multirange':
      return valuesOf(shape.of, wish, whose).map((value) => `${shape.name}(${value})`)
    case 'composite':
      return rowsOf(shape, wish, whose)
  }
}

/** Values that are nobody's: NULL, the smallest, the largest, and what a gate may compare with. */
export function edgesOf(shape: Shape): readonly string[] {
  const cast = castTo(shape)
  switch (shape.kind) {
    case 'plain':
      return [...edges[shape.family].map(cast), `NULL::${shape.name}`]
    case 'enum':
      return [...shape.labels.map(cast), `NULL::${shape.name}`]
    case 'array':
      return [`'{}'::${shape.name}`, `NULL::${shape.name}`, `ARRAY[NULL]::${shape.name}`]
    case 'range':
      return [`'(,)'::${shape.name}`, `'empty'::${shape.name}`, `NULL::${shape.name}`]
    case 'multirange':
      return [`'{(,)}'::${shape.name}`, `'{}'::${shape.name}`, `NULL::${shape.name}`]
    case 'composite':
      return [`NULL::${shape.name}`]
  }
}

const edges: Readonly<Record<Family, readonly string[]>> = {
  text: ['', '%', '0', 'all', '*'],
  uuid: [attackId, '00000000-0000-0000-0000-000000000000'],
  'whole number': ['1', '0', '1000', '-1', '2', '10', '100', '32767'],
  number: ['1', '0', '1000', '-1', '0.01', '100', '1000000'],
  boolean: ['true', 'false'],
  moment: ['1990-01-01', '2090-01-01', 'infinity', '-infinity'],
  interval: ['100 years', '0', '-1 day', '1 day'],
  document: ['{}', '[]', 'null', 'true', '0'],
  pairs: [''],
  bytes: ['', '\\x00'],
  network: ['0.0.0.0/0', '127.0.0.1'],
  relation: [],
  other: [],
}

function castTo({ name }: Shape): (value: string) => string {
  return (value) => `${literal(value)}::${name}`
}

function plainValues(family: Family, wish: Wish, whose: Whose): readonly string[] {
  const { world, tenant } = whose
  const values = ranked(knownValues(world, tenant), wish)
  const ofFamily = (...wanted: readonly Family[]) =>
    values.filter((each) => wanted.includes(each.family)).map(({ value }) => value)
  switch (family) {
    case 'text':
      return textsOf(values, world.tenant(tenant), wish)
    case 'whole number':
      return ofFamily('whole number')
    case 'number':
      return ofFamily('number', 'whole number')
    case 'document':
      return documentsOf(values, wish, whose)
    case 'pairs':
      return pairsOf(documentsOf(values, wish, whose))
    case 'bytes':
      return textsOf(values, world.tenant(tenant), wish).map(
        (text) => `\\x${Buffer.from(text).toString('hex')}`,
      )
    case 'relation':
      return relationsOf(whose)
    case 'other':
      return ofFamily('text')
    case 'boolean':
      return []
    default:
      return ofFamily(family)
  }
}

/** What a text is told at the most: who the tenant is, what its rows are called, and what programs make of it. */
function textsOf(
  values: readonly KnownValue[],
  { id, schema, role, watermark }: Tenant,
  { about, name }: Wish,
): readonly string[] {
  const named = (each: KnownValue) => about.includes(each.object) || each.column === name
  const texts = values.filter(({ family }) => family === 'text')
  const near = texts.filter(named).map(({ value }) => value)
  const ids = values
    .filter(({ family, isKey }) => isKey && (family === 'uuid' || family === 'whole number'))
    .map(({ value }) => value)
  const marked = texts.filter(({ isMarked }) => isMarked).map(({ value }) => value)
  const subjects = [...new Set([...near.slice(0, 4), ...marked.slice(0, 2)])]
  const [firstId] = ids
  return [
    ...new Set([
      id,
      schema,
      ...near.slice(0, 12),
      ...ids.slice(0, 4),
      ...marked.slice(0, 6),
      ...derivedTexts(id).slice(0, 6),
      ...zipped([...subjects, ...ids.slice(0, 1)].map(derivedTexts)).slice(0, 24),
      ...(firstId === undefined ? [] : joinedTexts(id, firstId).slice(0, 5)),
      ...subjects.slice(0, 2).flatMap((text) => joinedTexts(id, text).slice(0, 4)),
      role,
      watermark,
      ...ids.slice(4),
      ...marked.slice(6),
      ...near.slice(12),
    ]),
  ]
}

/** The first of each, then the second of each. */
function zipped(lists: readonly (readonly string[])[]): readonly string[] {
  const longest = Math.max(0, ...lists.map((list) => list.length))
  return Array.from({ length: longest }, (_, index) =>
    lists.flatMap((list) => list.slice(index, index + 1)),
  ).flat()
}

/** Tables that documents are about. */
const documentRowsMax = 6

function documentsOf(
  values: readonly KnownValue[],
  wish: Wish,
  { tenant, beside, world }: Whose,
): readonly string[] {
  const all = knownValues(world, tenant)
  const objects = [...new Set(values.filter(({ isKey }) => isKey).map(({ object }) => object))]
  const documents = objects.slice(0, documentRowsMax).map((object) => {
    const row = firstRow(all.filter((each) => each.object === object))
    return documentsAbout({ tenant, outside: beside, row }, wish)
  })
  return zipped(documents)
}

/** Until a column comes again. */
function firstRow(values: readonly KnownValue[]): readonly KnownValue[] {
  const seen = new Set<string>()
  return values.filter(({ column }) => !seen.has(column) && seen.add(column).size > 0)
}

function pairsOf(documents: readonly string[]): readonly string[] {
  return documents.flatMap((document) => {
    const parsed = JSON.parse(document) as unknown
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) return []
    const quote = (text: string) => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`
    const entries = Object.entries(parsed).filter(([, value]) => typeof value === 'string')
    return [entries.map(([key, value]) => `${quote(key)}=>${quote(String(value))}`).join(', ')]
  })
}

/** By number, because a name in a schema that is closed to the caller is refused before it is passed. */
function relationsOf({ world, tenant }: Whose): readonly string[] {
  return world.objects.flatMap((object) => {
    const relation = object.relationOf(world.tenant(tenant))
    return relation === null || object.rowsOf(tenant) === 0 ? [] : [String(relation.oid)]
  })
}

/** Lists of one, of own and foreign mixed, and of several. */
function listsOf(of: Shape, wish: Wish, whose: Whose): readonly (readonly string[])[] {
  const values = valuesOf(of, wish, whose)
  const [own] = valuesOf(of, wish, { ...whose, tenant: whose.beside, beside: whose.tenant })
  const [first] = values
  if (first === undefined) return []
  const mixed = own === undefined || own === first ? [] : [[own, first]]
  const all = values.slice(0, 24)
  const singles = values.map((value) => [value])
  return [...singles.slice(0, 1), ...mixed, all, ...singles.slice(1), [...all, ...mixed.flat()]]
}

/** Rows of the same columns, and rows whose columns are filled one by one. */
function rowsOf(
  shape: Shape & { readonly kind: 'composite' },
  { about }: Wish,
  whose: Whose,
): readonly string[] {
  const columns = shape.fields.map((field) => {
    const isTenant = /tenant/.test(field.name)
    const values = isTenant ? [] : valuesOf(field.shape, { name: field.name, about }, whose)
    const tenant = castTo(field.shape)(whose.tenant)
    const [edge = 'NULL'] = edgesOf(field.shape)
    return isTenant ? [tenant] : values.length === 0 ? [edge] : values
  })
  const longest = Math.min(plainMax, Math.max(1, ...columns.map((values) => values.length)))
  return Array.from({ length: longest }, (_, index) => {
    const row = columns.map((values) => values[index % values.length] ?? 'NULL')
    return `ROW(${row.join(', ')})::${shape.name}`
  })
}
