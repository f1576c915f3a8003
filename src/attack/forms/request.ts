/** What a read form is built from: one relation, who attacks whom, and the parts of its core SELECT. */

import type { Column, Relation } from '../../model/catalog.ts'
import type { Row } from '../../model/observation.ts'
import type { Tenant } from '../../model/tenant.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { keyCondition } from '../statements.ts'
import { targetOf, type Target } from '../../world/targets.ts'
import type { WorldObject } from '../../model/world.ts'
import type { World } from '../../world/world.ts'
import { predicateOf, type Predicate } from './predicates.ts'

export interface ReadRequest extends Target {
  readonly world: World
  readonly attacker: Tenant
  readonly victim: Tenant
  /** A row of the victim, empty when it is not known (views). */
  readonly sample: Row
  /** The attacker's own relation of that name: another one where tenants have schemas of their own. */
  readonly own: Target | null
  /** `FROM` item without alias; forms alias it as t. */
  readonly from: string
  /** `WHERE ...` or the empty text, over the alias t. */
  readonly where: string
  /** Quoted columns that may be sorted, compared and grouped: at least one, or a constant. */
  readonly keys: string
}

export interface ReadParts {
  readonly attacker: Tenant
  readonly victim: Tenant
  readonly predicate: Predicate
}

/** Null when the victim has no such relation. */
export function readRequest(
  world: World,
  object: WorldObject,
  parts: ReadParts,
): ReadRequest | null {
  const { attacker, victim, predicate } = parts
  const target = targetOf(object, victim)
  if (target === null) return null
  const sample = object.samplesOf(victim.id)[0] ?? {}
  const where = predicateOf(predicate, { target, attacker, victim, sample })
  return {
    ...target,
    world,
    attacker,
    victim,
    sample,
    own: targetOf(object, attacker),
    from: target.address,
    where,
    keys: keysOf(target.relation),
  }
}

/** `"id" = '...'` of the victim's row over the alias t; null when no row of it is known. */
export function victimsKey({
  relation,
  sample,
}: Pick<ReadRequest, 'relation' | 'sample'>): string | null {
  return Object.keys(sample).length === 0 ? null : keyCondition(relation, sample, 't.')
}

/** Types without an order or an equality, of which a GROUP BY or an ORDER BY makes an error. */
const unordered = /^(json|xml|point|line|lseg|box|path|polygon|circle|aclitem|xid|cid|pg_)/

/** True for columns that may be grouped and sorted. */
export function isOrdered(column: Column): boolean {
  return !unordered.test(column.type)
}

function keysOf(relation: Relation): string {
  const ordered = relation.columns.filter((column) => column.selectable && isOrdered(column))
  const names =
    relation.primaryKey.length > 0
      ? relation.primaryKey.filter((name) => ordered.some((column) => column.name === name))
      : ordered.slice(0, 2).map((column) => column.name)
  return names.length === 0 ? 'NULL::text' : names.map((name) => `t.${identifier(name)}`).join(', ')
}

/** `t.a, t.b` of the readable columns. */
export function aliased(columns: string): string {
  return columns
    .split(', ')
    .map((column) => `t.${column}`)
    .join(', ')
}

/** The tenant's own rows as a condition over t; always true where rows do not carry their owner. */
export function isOwn({ tenantColumn }: Pick<Target, 'tenantColumn'>, attacker: Tenant): string {
  return tenantColumn === null ? 'true' : `t.${identifier(tenantColumn)} = ${literal(attacker.id)}`
}
