/**
 * The same statements with and without something that only the administrator can change first: both
 * run as the application inside an administrator's transaction that is rolled back.
 */

import type { Attempt, Statement } from '../model/observation.ts'
import type { Tenant } from '../model/tenant.ts'
import { identifier, literal } from '../sql/identifier.ts'
import { ownedTables, targetOf } from './targets.ts'
import type { World } from './world.ts'

/** Triggers and foreign keys stay silent while the administrator prepares the world. */
const quietly = 'SET LOCAL session_replication_role = replica'
const loudly = 'SET LOCAL session_replication_role = origin'

export interface Experiment {
  readonly attacker: Tenant
  /** What the administrator changes first, with triggers and foreign keys off. */
  readonly prepare: readonly string[]
  readonly statements: readonly Statement[]
}

/** Becomes the application after the preparation; row security, grants and settings are then the attacker's. */
export async function impersonated(
  world: World,
  { attacker, prepare, statements }: Experiment,
): Promise<Attempt> {
  const context = (sql: string): Statement => ({ sql, role: 'context' })
  return world.administer([
    ...(prepare.length === 0 ? [] : [quietly, ...prepare, loudly].map(context)),
    context(`SET LOCAL SESSION AUTHORIZATION ${identifier(world.application)}`),
    ...world.enter(attacker),
    ...statements,
  ])
}

/** Statements that remove every row of the tenant, table by table. */
export function rowsOfTenantRemoved(world: World, tenant: Tenant): readonly string[] {
  return ownedTables(world)
    .filter(({ kind }) => kind === 'table' || kind === 'partitioned table')
    .flatMap((object) => {
      const target = targetOf(object, tenant)
      if (target === null || object.rowsOf(tenant.id) === 0) return []
      if (world.ownership.ownerByPlace(target.relation) !== null)
        return [`DELETE FROM ${target.address}`]
      return target.tenantColumn === null
        ? []
        : [
            `DELETE FROM ${target.address} WHERE ${identifier(target.tenantColumn)} = ${literal(tenant.id)}`,
          ]
    })
}

/** Statements that leave the rows of one tenant, and those that nobody owns. */
export function rowsOfOthersRemoved(world: World, tenant: Tenant): readonly string[] {
  const others = world.tenants.filter(({ id }) => id !== tenant.id)
  return [...new Set(others.flatMap((other) => rowsOfTenantRemoved(world, other)))]
}
