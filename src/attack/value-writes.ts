/**
 * Writes of foreign values: each column of a table or view is given what another tenant's rows are called by, so
 * that triggers, rules and cascades which look rows up by a value meet the foreign ones.
 */

import type { Column, Relation } from '../model/catalog.ts'
import type { Attempt, Row } from '../model/observation.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import type { Scene } from '../probe/define.ts'
import { deferred } from './cells.ts'
import { callsReached } from './function-calls.ts'
import { identifier, literal } from '../sql/identifier.ts'
import { may, targetOf, type Target } from '../world/targets.ts'
import type { WorldObject } from '../model/world.ts'
import type { World } from '../world/world.ts'
import type { Pair } from './shared-inputs.ts'
import { keyCondition, newRowLike } from './statements.ts'
import { knownValues, ranked } from './values/known-values.ts'
import { shapeOf } from './values/type-shape.ts'
import { edgesOf, valuesOf } from './values/values.ts'

/** Values of one column: an update has many columns, an insert one reason. */
const perUpdateMax = 5
const perInsertMax = 24
const writesMax = 400

/** Objects that the application may insert into or update, whoever owns their rows. */
export function writableObjects(world: World): readonly WorldObject[] {
  return world.objects.filter(
    (object) =>
      object.kind !== 'partition' &&
      world.tenants.some((tenant) => ways(object, tenant.id, world).length > 0),
  )
}

function ways(object: WorldObject, tenant: TenantId, world: World): readonly string[] {
  const relation = object.relationOf(world.tenant(tenant))
  const all =
    object.kind === 'view'
      ? (['UPDATE', 'INSERT', 'DELETE'] as const)
      : (['UPDATE', 'INSERT'] as const)
  return all.filter(
    (way) => may(object, world.tenant(tenant), way) && relation?.updatable.includes(way) === true,
  )
}

/** What a trigger or a rule can do to other rows takes a statement; one that fills its own row in has none. */
const acting = /\b(update|insert|delete|merge|truncate|execute|perform|call|select)\b/i
/** A body that many objects share knows no column of theirs: the first of them speak for all. */
const sharersMax = 2

/** True where something acts when the object is written to: then every value is worth trying. */
export function reactsToWrites(world: World, object: WorldObject): boolean {
  const bodiesOf = (each: WorldObject) =>
    new Set(world.tenants.flatMap((tenant) => each.relationOf(tenant)?.reactions ?? []))
  return [...bodiesOf(object)].some((body) => {
    if (!acting.test(body)) return false
    const sharers = writableObjects(world).filter((each) => bodiesOf(each).has(body))
    return sharers.indexOf(object) < sharersMax
  })
}

const kept = new WeakMap<World, Map<string, readonly ValueWrite[]>>()

/** Written when it is chosen: of hundreds an input tries a few. */
export type ValueWrite = () => string

/** Statements that write the victim's values into the attacker's own table or view, the likeliest first. */
export function valueWrites(world: World, object: WorldObject, pair: Pair): readonly ValueWrite[] {
  const known = kept.get(world) ?? new Map<string, readonly ValueWrite[]>()
  kept.set(world, known)
  const key = JSON.stringify([object.name, pair])
  const writes = known.get(key) ?? build(world, object, pair)
  known.set(key, writes)
  return writes
}

function build(world: World, object: WorldObject, pair: Pair): readonly ValueWrite[] {
  const target = targetOf(object, world.tenant(pair.attacker))
  if (target === null) return []
  const allowed = ways(object, pair.attacker, world)
  const own = object.samplesOf(pair.attacker)[0] ?? null
  const scene: Writing = { world, pair, target, own, foreign: new Map() }
  const updates = allowed.includes('UPDATE') ? updatesOf(scene) : []
  const inserts = allowed.includes('INSERT') ? insertsOf(scene) : []
  // The grammar of writes knows no row of such a view.
  const deletes =
    object.kind === 'view' && allowed.includes('DELETE')
      ? [() => `DELETE FROM ${target.address}`]
      : []
  return [...inTurn([updates, inserts]), ...deletes].slice(0, writesMax)
}

const controlWritesMax = 12

/** The same writes with the tenant's own values; null where it may write nothing. */
export function ownWrites({ world, cell }: Scene, tenant: Tenant): Promise<Attempt> | null {
  const pair = { attacker: tenant.id, victim: tenant.id }
  const writes = cell.object === null ? [] : valueWrites(world, cell.object, pair)
  return writes.length === 0
    ? null
    : world.attempt([
        ...world.enter(tenant),
        deferred,
        ...callsReached(writes.slice(0, controlWritesMax).map((write) => write())),
      ])
}

interface Writing {
  readonly world: World
  readonly pair: Pair
  readonly target: Target
  /** A row of the attacker; null where it has none that is known. */
  readonly own: Row | null
  /** Values of the victim by column, as far as they were asked for. */
  readonly foreign: Map<string, readonly string[]>
}

function foreignValues(writing: Writing, column: Column): readonly string[] {
  const values = writing.foreign.get(column.name) ?? readForeign(writing, column)
  writing.foreign.set(column.name, values)
  return values
}

function readForeign({ world, pair, target }: Writing, { name, type }: Column): readonly string[] {
  const wish = { name, about: target.relation.reactions.join(' ') }
  const shape = shapeOf(world.catalog, type)
  if (shape.kind !== 'plain' || shape.family !== 'text') {
    return valuesOf(shape, wish, { world, tenant: pair.victim, beside: pair.attacker })
  }
  const width = Number(/\((\d+)\)/.exec(type)?.[1] ?? Infinity)
  const values = ranked(knownValues(world, pair.victim), wish)
  const texts = values
    .filter(({ family, isMarked, column }) => (family === 'text' && isMarked) || column === name)
    .map(({ value }) => value)
  const ids = values.filter(({ isKey }) => isKey).map(({ value }) => value)
  return [...new Set([...texts, pair.victim, ...ids])]
    .filter((text) => text.length <= width)
    .map((text) => `${literal(text)}::text`)
}

/**
 * Each assignable column by itself, and all of them at once, where a trigger of a view takes the row by its key.
 * Keys come last: a row whose key has changed is not met again.
 */
function updatesOf(writing: Writing): readonly ValueWrite[] {
  const { relation, address } = writing.target
  const isView = relation.kind === 'view'
  const columns = relation.columns.filter(
    ({ generated, updatable, name }) => !generated && updatable && name !== relation.tenantColumn,
  )
  const isKey = ({ name }: Column) => relation.primaryKey.includes(name)
  const plain = columns.filter((column) => !isKey(column))
  const together = (isView ? columns : plain).flatMap((column) => {
    const [value] = [...foreignValues(writing, column), ...edgesFor(writing, column)]
    return value === undefined ? [] : [`${identifier(column.name)} = ${value}`]
  })
  const withTenant =
    isView && relation.tenantColumn !== null
      ? [...together, `${identifier(relation.tenantColumn)} = ${literal(writing.pair.victim)}`]
      : []
  const all = [together, withTenant].filter((set) => set.length > 0).map((set) => set.join(', '))
  const sets = [
    ...(isView ? all : []),
    ...inTurn(plain.map((column) => assignmentsOf(writing, column))),
    ...(isView ? [] : all),
    ...inTurn(columns.filter(isKey).map((column) => assignmentsOf(writing, column))),
  ]
  const where = ownRowOf(writing)
  return sets.map((set) => () => `UPDATE ${address} SET ${set}${where}`)
}

function assignmentsOf(writing: Writing, column: Column): readonly string[] {
  const edges = edgesFor(writing, column)
  const values = foreignValues(writing, column).slice(0, perUpdateMax - 2)
  return [...edges.slice(0, 1), ...values, ...edges.slice(1, 2)].map(
    (value) => `${identifier(column.name)} = ${value}`,
  )
}

function edgesFor({ world }: Writing, { type }: Column): readonly string[] {
  return edgesOf(shapeOf(world.catalog, type))
}

/** The first of each list, then the second of each. */
function inTurn<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const longest = Math.max(0, ...lists.map((list) => list.length))
  return Array.from({ length: longest }, (_, index) =>
    lists.flatMap((list) => list.slice(index, index + 1)),
  ).flat()
}

/** A view is asked which row it has first; where the attacker is known to have none, all that it sees. */
function ownRowOf({ target, own }: Writing): string {
  const { relation, address } = target
  if (own !== null) return ` WHERE ${keyCondition(relation, own)}`
  const first = relation.columns.find(
    ({ selectable, type }) => selectable && !/json|xml/.test(type),
  )
  if (relation.kind !== 'view' || first === undefined) return ''
  const name = identifier(first.name)
  return ` WHERE ${name} = (SELECT ${name} FROM ${address} LIMIT 1)`
}

/** A row like the own one or one made up, with one foreign value; the tenant stays the attacker. */
function insertsOf(writing: Writing): readonly ValueWrite[] {
  const { relation } = writing.target
  const columns = relation.columns.filter(
    ({ generated, name }) => !generated && name !== relation.tenantColumn,
  )
  return inTurn(
    columns.map((column) =>
      foreignValues(writing, column)
        .slice(0, perInsertMax)
        .map((value, index) => () => insertWith(writing, column, { value, index })),
    ),
  )
}

function insertWith(
  writing: Writing,
  column: Column,
  { value, index }: { readonly value: string; readonly index: number },
): string {
  const { target, own, pair } = writing
  const { relation, address } = target
  const base = own === null ? madeUp(writing) : likeOwn(relation, own, index)
  const row: Readonly<Record<string, string>> = {
    ...base,
    ...(relation.tenantColumn === null ? {} : { [relation.tenantColumn]: literal(pair.attacker) }),
    [column.name]: value,
  }
  const names = Object.keys(row)
  return (
    `INSERT INTO ${address} (${names.map(identifier).join(', ')}) ` +
    `VALUES (${names.map((name) => row[name] ?? 'NULL').join(', ')})`
  )
}

function likeOwn(relation: Relation, own: Row, index: number): Readonly<Record<string, string>> {
  const fresh = newRowLike(relation, own, { salt: index % 10 })
  return Object.fromEntries(
    Object.entries(fresh).map(([name, each]) => [
      name,
      each === null ? 'NULL' : literal(String(each)),
    ]),
  )
}

/** What must be given, with the attacker's values where there are any. */
function madeUp({ world, target, pair }: Writing): Readonly<Record<string, string>> {
  const { relation } = target
  const isView = relation.kind === 'view'
  const given = relation.columns.filter(
    ({ generated, hasDefault, notNull }) => !generated && (isView || (notNull && !hasDefault)),
  )
  const whose = { world, tenant: pair.attacker, beside: pair.attacker }
  return Object.fromEntries(
    given.map(({ name, type }) => {
      const shape = shapeOf(world.catalog, type)
      const [own] = valuesOf(shape, { name, about: '' }, whose)
      return [name, own ?? edgesOf(shape)[0] ?? 'NULL']
    }),
  )
}
