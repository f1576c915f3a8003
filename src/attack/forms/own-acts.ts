/**
 * Writes of rows of one's own that name somebody else: references to foreign ids, shares and memberships, natural
 * keys. Each may open what policies, triggers, rules or views couple to the row.
 */

import type { Column, Relation } from '../../model/catalog.ts'
import type { Row, Statement, Value } from '../../model/observation.ts'
import type { Tenant } from '../../model/tenant.ts'
import { identifier, literal, qualified } from '../../sql/identifier.ts'
import { attackId, keyCondition, newRowLike, sharingColumns } from '../statements.ts'
import type { WorldObject } from '../../model/world.ts'
import type { World } from '../../world/world.ts'

export const ownActForms = ['share', 'shares swapped', 'insert', 'update'] as const
export type OwnActForm = (typeof ownActForms)[number]

export interface OwnAct {
  readonly world: World
  readonly object: WorldObject
  readonly attacker: Tenant
  readonly victim: Tenant
}

const actsMax = 16

/** Statements that are tried one after the other, each by itself. */
export function ownActs(act: OwnAct, form: OwnActForm): readonly Statement[] {
  const relation = act.object.relationOf(act.attacker)
  if (relation === null) return []
  const sqls = form === 'update' ? updates(act, relation) : inserts(act, relation, form)
  return sqls.slice(0, actsMax).map((sql) => ({ sql, role: 'comparison' }))
}

function inserts(act: OwnAct, relation: Relation, form: OwnActForm): readonly string[] {
  if (!relation.applicationPrivileges.includes('INSERT')) return []
  const handles = handlesOf(act, relation)
  if (form !== 'insert') {
    // Whoever is named: everything that can point at the victim's rows does, in one row.
    const all = Object.fromEntries(handles.map(({ name, values }) => [name, values[0] ?? null]))
    return [
      insert(relation, { ...baseRow(act, relation, 0), ...all, ...namesOf(act, relation, form) }),
    ]
  }
  return handles.flatMap(({ name, values }, at) =>
    values.map((value, index) =>
      insert(relation, { ...baseRow(act, relation, 1 + at + index), ...{ [name]: value } }),
    ),
  )
}

function updates(act: OwnAct, relation: Relation): readonly string[] {
  const own = act.object.samplesOf(act.attacker.id).at(-1)
  if (own === undefined || !relation.applicationPrivileges.includes('UPDATE')) return []
  return handlesOf(act, relation)
    .filter(({ name }) => relation.columns.some((each) => each.name === name && each.updatable))
    .flatMap(({ name, values }) =>
      values.map(
        (value) =>
          `UPDATE ${qualified(relation)} SET ${identifier(name)} = ${literal(String(value))} ` +
          `WHERE ${keyCondition(relation, own)}`,
      ),
    )
}

/** Columns that may name tenants get the one or the other; the tenant column stays the writer's. */
function namesOf({ attacker, victim }: OwnAct, relation: Relation, form: OwnActForm): Row {
  const sides = form === 'share' ? [victim.id, attacker.id] : [attacker.id, victim.id]
  return Object.fromEntries(
    sharingColumns(relation).map((name, index) => [
      name,
      name === relation.tenantColumn ? attacker.id : (sides[index % 2] ?? attacker.id),
    ]),
  )
}

interface Handle {
  readonly name: string
  readonly values: readonly Value[]
}

/** Columns that can point at rows of the victim, with values that do. */
function handlesOf(act: OwnAct, relation: Relation): readonly Handle[] {
  const sharing = new Set(sharingColumns(relation))
  const key = new Set(relation.primaryKey.length === 1 ? relation.primaryKey : [])
  return relation.columns
    .filter(
      ({ name, generated }) =>
        !generated && name !== relation.tenantColumn && !sharing.has(name) && !key.has(name),
    )
    .map(({ name, type }) => ({ name, values: foreignValues(act, relation, { name, type }) }))
    .filter(({ values }) => values.length > 0)
    .toSorted((a, b) => Number(isKeyed(relation, a)) - Number(isKeyed(relation, b)))
}

/** A reference that a foreign key guards comes after those that nothing guards. */
function isKeyed({ foreignKeys }: Relation, { name }: Handle): boolean {
  return foreignKeys.some(({ columns }) => columns.includes(name))
}

function foreignValues(
  { world, object, victim }: OwnAct,
  relation: Relation,
  { name, type }: Pick<Column, 'name' | 'type'>,
): readonly Value[] {
  const referenced = relation.foreignKeys.flatMap(
    ({ columns, referencedRelation, referencedColumns }) => {
      const at = columns.indexOf(name)
      const column = referencedColumns[at]
      const table = referencedRelation.split('.').at(-1)
      const row = world.objects
        .find((each) => each.relationOf(victim)?.name === table)
        ?.samplesOf(victim.id)[0]
      return at < 0 || column === undefined ? [] : [row?.[column] ?? null]
    },
  )
  if (referenced.length > 0) return present(referenced)
  const same = object.samplesOf(victim.id).map((row) => row[name] ?? null)
  if (type === 'uuid')
    return present([...same.slice(0, 1), ...idsFor(world, victim, name)]).slice(0, 4)
  if (/^(bigint|integer|smallint)$/.test(type) && /id$|no$|number$/.test(name))
    return present(same.slice(0, 1))
  const isText = /^(text|character varying|citext)/.test(type)
  if (!isText || !/mail|number|serial|code|name|key|reference|host|slug|phone/.test(name)) return []
  return present([...same.slice(0, 1), ...textsFor(world, victim, name)]).slice(0, 2)
}

/** Ids of the victim's rows: of tables that are called like the column, or of those that most others refer to. */
function idsFor(world: World, victim: Tenant, name: string): readonly Value[] {
  const stem = name.replace(/_?id$/, '')
  const keys = world.catalog.relations.flatMap(({ foreignKeys }) => foreignKeys)
  const references = (table: string) =>
    keys.filter(({ referencedRelation }) => referencedRelation.split('.').at(-1) === table).length
  const tables = world.objects.filter(
    ({ kind }) => kind === 'table' || kind === 'partitioned table',
  )
  const alike = tables.filter((object) => stem !== '' && object.name.includes(stem))
  return (alike.length > 0 ? alike : tables)
    .toSorted((a, b) => references(b.name) - references(a.name))
    .flatMap((object) => object.samplesOf(victim.id).slice(0, 1))
    .flatMap((row) => row['id'] ?? [])
}

/** Values of the victim in columns of the same name, wherever they are. */
function textsFor(world: World, victim: Tenant, name: string): readonly Value[] {
  return world.objects.flatMap((object) =>
    object
      .samplesOf(victim.id)
      .slice(0, 1)
      .map((row) => row[name] ?? null),
  )
}

function present(values: readonly Value[]): readonly Value[] {
  return [...new Set(values.filter((value) => value !== null))]
}

/** A row of the attacker's own: like one that it has, or made up from the types. */
function baseRow({ object, attacker }: OwnAct, relation: Relation, salt: number): Row {
  const own = object.samplesOf(attacker.id)[0]
  if (own !== undefined) return newRowLike(relation, own, { salt })
  const needed = relation.columns.filter(({ notNull, hasDefault }) => notNull && !hasDefault)
  const made = needed.map(({ name, type }) => [name, madeUp(type, salt)])
  const { tenantColumn } = relation
  return {
    ...(Object.fromEntries(made) as Row),
    ...(tenantColumn === null ? {} : { [tenantColumn]: attacker.id }),
  }
}

function madeUp(type: string, salt: number): Value {
  if (type === 'uuid') return `${attackId.slice(0, -6)}${String(salt % 100).padStart(2, '0')}beef`
  if (type === 'boolean') return 'true'
  if (/^(date|timestamp)/.test(type)) return '2026-01-01'
  if (/^json/.test(type)) return '{}'
  if (type.endsWith('[]')) return '{}'
  return /text|char|name/.test(type) ? `x${salt}` : String(1 + salt)
}

function insert(relation: Relation, row: Row): string {
  const names = Object.keys(row)
  const values = names.map((name) => {
    const value = row[name] ?? null
    return literal(value === null ? null : String(value))
  })
  return `INSERT INTO ${qualified(relation)} (${names.map(identifier).join(', ')}) VALUES (${values.join(', ')})`
}
