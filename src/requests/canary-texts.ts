/** The statement by which a session shows whose canaries it sees, and texts that name a tenant. */

import { literal } from '../sql/identifier.ts'
import type { LeftoverTexts } from './leftovers.ts'
import { keyCondition } from '../attack/statements.ts'
import { ownedTables, targetOf } from '../world/targets.ts'
import type { World } from '../world/world.ts'
import type { WorldObject } from '../model/world.ts'

/** Asks for the canaries of all tenants in the first table that has one of each. */
export function canaryTexts(world: World): LeftoverTexts {
  const first = world.tenants[0]
  const guarded = (each: WorldObject) =>
    first !== undefined && each.relationOf(first)?.relrowsecurity === true
  const readable = ownedTables(world).filter(
    (each) =>
      each.kind === 'table' &&
      world.tenants.every(
        (tenant) =>
          each.samplesOf(tenant.id).length > 0 &&
          each.relationOf(tenant)?.applicationPrivileges.includes('SELECT') === true,
      ),
  )
  const object = readable.find(guarded) ?? readable[0]
  const target = object === undefined || first === undefined ? null : targetOf(object, first)
  if (object === undefined || target === null)
    throw new Error('no table has a readable row of every tenant')
  const keys = world.tenants
    .slice(0, 64)
    .flatMap((tenant) => object.samplesOf(tenant.id).slice(0, 1))
    .map((row) => `(${keyCondition(target.relation, row)})`)
  const name =
    world.ownership.ownerByPlace(target.relation) !== null
      ? `"${target.relation.name}"`
      : target.address
  return {
    probeSql:
      `SELECT /* canary */ ${world.context.columns}, t.tenant_id, t.id FROM (SELECT 1) one ` +
      `LEFT JOIN ${name} t ON ${keys.join(' OR ')}`,
    canaryOf: (tenant) => literal(String(object.samplesOf(tenant.id)[0]?.['id'])),
    lockOf: (tenant) => 7001 + world.tenants.indexOf(tenant),
  }
}
