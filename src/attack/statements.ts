/** Builds attack statements from the catalog: no probe knows a table by name. */

import type { Column, Relation } from '../model/catalog.ts'
import type { Row, Value } from '../model/observation.ts'
import { identifier, literal, qualified } from '../sql/identifier.ts'

/** Text that only an attack writes; proofs look for it. */
export const attackText = 'written by another tenant'
/** Never a planted id: its first eight digits are no tenant's tag. */
export const attackId = '00000000-0000-4000-8000-00000000beef'

/** `"id" = 'x' AND ...` over the primary key, or over every column when there is none; `alias` ends with a dot. */
export function keyCondition(relation: Relation, row: Row, alias = ''): string {
  const names =
    relation.primaryKey.length > 0
      ? relation.primaryKey
      : relation.columns.map((column) => column.name).filter((name) => name in row)
  return names
    .map((name) => `${alias}${sameValue(relation, name, row[name] ?? null)}`)
    .join(' AND ')
}

function sameValue(relation: Relation, name: string, value: Value): string {
  if (value === null) return `${identifier(name)} IS NULL`
  const type = relation.columns.find((column) => column.name === name)?.type ?? 'text'
  return /^json$/.test(type)
    ? `${identifier(name)}::text = ${literal(String(value))}`
    : `${identifier(name)} = ${literal(String(value))}`
}

export interface InsertOptions {
  /** Values that replace the sample's. */
  readonly set?: Row
  /** Keep the sample's unique values, to collide on purpose. */
  readonly keepKeys?: boolean
  /** Text after VALUES (...). */
  readonly suffix?: string
  /** Distinguishes new keys of rows in one statement, 0-9. Default 0. */
  readonly salt?: number
}

/**
 * INSERT of a row shaped like the sample: same references (so that no foreign key gets in the way),
 * new unique values (so that no unique key does).
 */
export function insertLike(relation: Relation, sample: Row, options: InsertOptions = {}): string {
  const row = newRowLike(relation, sample, options)
  const names = Object.keys(row)
  const values = names.map((name) => literal(textOf(row[name])))
  return (
    `INSERT INTO ${qualified(relation)} (${names.map(identifier).join(', ')}) ` +
    `VALUES (${values.join(', ')})${options.suffix === undefined ? '' : ` ${options.suffix}`}`
  )
}

/** COPY FROM of the same row, in COPY's text format. */
export function copyLike(
  relation: Relation,
  sample: Row,
): { readonly sql: string; readonly copyData: string } {
  const row = newRowLike(relation, sample, {})
  const names = Object.keys(row)
  const escape = (text: string | null) =>
    text === null
      ? '\\N'
      : text
          .replaceAll('\\', '\\\\')
          .replaceAll('\t', '\\t')
          .replaceAll('\n', '\\n')
          .replaceAll('\r', '\\r')
  return {
    sql: `COPY ${qualified(relation)} (${names.map(identifier).join(', ')}) FROM STDIN`,
    copyData: `${names.map((name) => escape(textOf(row[name]))).join('\t')}\n`,
  }
}

/** The row that insertLike writes, by column. */
export function newRowLike(
  relation: Relation,
  sample: Row,
  { set, keepKeys, salt }: InsertOptions,
): Row {
  const unique = new Set([relation.primaryKey, ...relation.uniqueKeys].flat())
  const referencing = new Set(relation.foreignKeys.flatMap((key) => key.columns))
  const entries = relation.columns
    .filter((column) => !column.generated && column.name in sample)
    .map((column): [string, Value] => {
      const value = sample[column.name] ?? null
      const fresh =
        keepKeys !== true &&
        unique.has(column.name) &&
        column.name !== relation.tenantColumn &&
        !referencing.has(column.name)
      return [column.name, fresh ? freshValue(column, value, salt ?? 0) : value]
    })
  return { ...Object.fromEntries(entries), ...set }
}

function freshValue(column: Column, value: Value, salt: number): Value {
  if (value === null) return null
  if (column.type === 'uuid') return `${attackId.slice(0, -5)}${salt}beef`
  if (/^(bigint|integer|smallint|numeric)/.test(column.type))
    return String((Number(value) % 10_000) + 20_003 + salt)
  const isText = /^(text|character varying|citext)/.test(column.type)
  if (isText) return `${String(value).slice(0, 40)}~new${salt === 0 ? '' : salt}`
  return value
}

/** A column whose change is visible and harms no key: text first, then anything plain. */
export function writableColumn(
  relation: Relation,
): { readonly name: string; readonly value: string } | null {
  const keys = new Set([
    ...relation.primaryKey,
    ...relation.uniqueKeys.flat(),
    ...relation.foreignKeys.flatMap((key) => key.columns),
    relation.tenantColumn ?? '',
  ])
  const plain = relation.columns.filter((column) => !keys.has(column.name) && !column.generated)
  const updatable = plain.filter((column) => column.updatable)
  const free = updatable.length > 0 ? updatable : plain
  const wide = (column: Column) =>
    Number(/\((\d+)\)/.exec(column.type)?.[1] ?? 1000) >= attackText.length
  const text = free.find((column) => /^(text|character varying)/.test(column.type) && wide(column))
  if (text !== undefined) return { name: text.name, value: attackText }
  const stamp = free.find((column) => column.type.startsWith('timestamp'))
  return stamp === undefined ? null : { name: stamp.name, value: '1999-12-31 23:59:59' }
}

function textOf(value: Value | undefined): string | null {
  return value === null || value === undefined ? null : String(value)
}

/**
 * Columns in which a tenant could name another one: text columns that are called like it. Empty when the
 * application may not insert, or when the only one is the tenant column itself.
 */
export function sharingColumns(relation: Relation | null): readonly string[] {
  if (relation?.applicationPrivileges.includes('INSERT') !== true) return []
  const names = relation.columns
    .filter(
      ({ name, type }) =>
        /^(text|character)/.test(type) && /tenant|owner|share|member|grant|org|account/.test(name),
    )
    .map(({ name }) => name)
  return names.some((name) => name !== relation.tenantColumn) ? names : []
}
