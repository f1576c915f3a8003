/** Statements whose answer could depend on a row of somebody else, and the preparation that removes it. */

import type { Row } from '../../model/observation.ts'
import { identifier, literal, qualified } from '../../sql/identifier.ts'
import { insertLike } from '../statements.ts'
import type { WriteRequest } from './write-request.ts'

export const existenceForms = [
  'copy of the row',
  'copy of the row, own key',
  'each value',
  'reference',
] as const
export type ExistenceForm = (typeof existenceForms)[number]

/** Attacker's statements, each to be tried from the same state. */
export function existenceAttacks(request: WriteRequest, form: ExistenceForm): readonly string[] {
  const { own, ownRow, ownKey, foreignRow, attacker } = request
  const mine: Row = own.tenantColumn === null ? {} : { [own.tenantColumn]: attacker.id }
  switch (form) {
    case 'copy of the row':
      return [insertLike(own.relation, foreignRow, { keepKeys: true, set: mine })]
    case 'copy of the row, own key':
      return [
        insertLike(
          own.relation,
          { ...foreignRow, ...keyOf(request) },
          { keepKeys: true, set: mine },
        ),
      ]
    case 'each value':
      return valuesOf(request).map(
        ([name, value]) =>
          `UPDATE ${own.address} SET ${identifier(name)} = ${literal(String(value))} WHERE ${ownKey}`,
      )
    case 'reference':
      return referencesOf(request).map(({ set }) => insertLike(own.relation, ownRow, { set }))
  }
}

/** A key that nobody has, so that the primary key alone does not answer. */
function keyOf({ own }: WriteRequest): Row {
  return Object.fromEntries(
    own.relation.primaryKey
      .filter((name) => name !== own.tenantColumn && name === 'id')
      .map((name) => [name, '22222222-3333-4444-8555-666666666666']),
  )
}

function valuesOf({ own, foreignRow }: WriteRequest): readonly (readonly [string, Row[string]])[] {
  const free = own.relation.columns.filter(
    (column) =>
      column.updatable &&
      !column.generated &&
      column.name !== own.tenantColumn &&
      foreignRow[column.name] !== null &&
      foreignRow[column.name] !== undefined,
  )
  return free.map((column) => [column.name, foreignRow[column.name] ?? null] as const)
}

interface Reference {
  readonly set: Row
  readonly parent: string
}

/** Own rows that refer to a row of the victim, and the statement that makes that row vanish. */
function referencesOf({ world, own, victim }: WriteRequest): readonly Reference[] {
  return own.relation.foreignKeys.flatMap((key): readonly Reference[] => {
    const parent = world.objects
      .map((object) => ({ object, relation: object.relationOf(victim) }))
      .find(
        ({ relation }) =>
          (relation !== null && `${relation.schema}.${relation.name}` === key.referencedRelation) ||
          (relation !== null && relation.name === key.referencedRelation.split('.').at(-1)),
      )
    const row = parent?.object.samplesOf(victim.id)[0]
    if (row === undefined || parent?.relation === null || parent === undefined) return []
    const pairs = key.columns
      .map((name, index) => [name, key.referencedColumns[index] ?? name] as const)
      .filter(([name]) => name !== own.tenantColumn)
    if (pairs.length === 0) return []
    const where = pairs.map(
      ([, referenced]) => `${identifier(referenced)} = ${literal(String(row[referenced] ?? ''))}`,
    )
    return [
      {
        set: Object.fromEntries(pairs.map(([name, referenced]) => [name, row[referenced] ?? null])),
        parent: `DELETE FROM ${qualified(parent.relation)} WHERE ${where.join(' AND ')}`,
      },
    ]
  })
}

/** Removes the victim's row, and for references the rows that are referred to. */
export function withoutForeignRow(request: WriteRequest, form: ExistenceForm): readonly string[] {
  const { foreign, foreignKey } = request
  const parents = form === 'reference' ? referencesOf(request).map(({ parent }) => parent) : []
  return [`DELETE FROM ${foreign.address} WHERE ${foreignKey}`, ...parents]
}
