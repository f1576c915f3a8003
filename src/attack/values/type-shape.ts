/** What a type is made of, so that values are chosen by the type and never by a name alone. */

import type { Catalog, TypeEntry } from '../../model/catalog.ts'

/** `name` is what a cast to it is written with. */
export type Shape =
  | { readonly kind: 'plain'; readonly family: Family; readonly name: string }
  | { readonly kind: 'enum'; readonly name: string; readonly labels: readonly string[] }
  | { readonly kind: 'array'; readonly name: string; readonly of: Shape }
  | { readonly kind: 'range' | 'multirange'; readonly name: string; readonly of: Shape }
  | {
      readonly kind: 'composite'
      readonly name: string
      readonly fields: readonly { readonly name: string; readonly shape: Shape }[]
    }

export type Family =
  | 'text'
  | 'uuid'
  | 'whole number'
  | 'number'
  | 'boolean'
  | 'moment'
  | 'interval'
  | 'document'
  | 'pairs'
  | 'bytes'
  | 'network'
  | 'relation'
  | 'other'

const families: readonly (readonly [RegExp, Family])[] = [
  [/^(text|character varying|character|name|"char"|bpchar|(.*\.)?citext)$/, 'text'],
  [/^uuid$/, 'uuid'],
  [/^(smallint|integer|bigint|oid)$/, 'whole number'],
  [/^(numeric|real|double precision|money)$/, 'number'],
  [/^boolean$/, 'boolean'],
  [/^(date|timestamp.*|time .*)$/, 'moment'],
  [/^interval$/, 'interval'],
  [/^jsonb?$/, 'document'],
  [/^(.*\.)?hstore$/, 'pairs'],
  [/^bytea$/, 'bytes'],
  [/^(inet|cidr|macaddr8?)$/, 'network'],
  [/^regclass$/, 'relation'],
]

/** A polymorphic argument takes what it is given. */
const polymorphic: Readonly<Record<string, string>> = {
  anyelement: 'text',
  anynonarray: 'text',
  anycompatible: 'text',
  anycompatiblenonarray: 'text',
  '"any"': 'text',
  anyarray: 'text[]',
  anycompatiblearray: 'text[]',
}

/** Types may contain themselves by way of arrays of rows. */
const depthMax = 4

export function shapeOf({ types }: Pick<Catalog, 'types'>, type: string): Shape {
  return shape(byName(types), withoutModifier(type), 0)
}

/** `character varying(20)` and `numeric(12,2)[]` without what stands in brackets. */
export function withoutModifier(type: string): string {
  return type.replace(/\(\d+(,-?\d+)?\)/, '')
}

export function familyOf(type: string): Family {
  return families.find(([pattern]) => pattern.test(withoutModifier(type)))?.[1] ?? 'other'
}

const indexed = new WeakMap<readonly TypeEntry[], ReadonlyMap<string, TypeEntry>>()

function byName(types: readonly TypeEntry[]): ReadonlyMap<string, TypeEntry> {
  const known = indexed.get(types) ?? new Map(types.map((entry) => [entry.name, entry]))
  indexed.set(types, known)
  return known
}

function shape(types: ReadonlyMap<string, TypeEntry>, given: string, depth: number): Shape {
  const type = polymorphic[given] ?? given
  const entry = types.get(type)
  const plain: Shape = { kind: 'plain', name: type, family: familyOf(type) }
  const part = (name: string) => shape(types, withoutModifier(name), depth + 1)
  if (depth > depthMax) return plain
  if (entry === undefined) {
    return type.endsWith('[]') ? { kind: 'array', name: type, of: part(type.slice(0, -2)) } : plain
  }
  const { kind, of, labels, fields, address } = entry
  if (kind === 'enum') return { kind, name: address, labels }
  if (kind === 'composite') {
    return {
      kind,
      name: address,
      fields: fields.map((field) => ({ name: field.name, shape: part(field.type) })),
    }
  }
  if (of === null || kind === 'base') return { ...plain, name: address }
  // A domain's values are those of its base, under its own name and checks.
  if (kind === 'domain') return { ...part(of), name: address }
  return { kind, name: address, of: part(of) }
}
