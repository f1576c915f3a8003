/** Rows that a tenant adds in its own context, with everything that triggers make of them. */

import type { Tenant } from '../model/tenant.ts'
import { literal } from '../sql/identifier.ts'
import { insertLike } from './statements.ts'
import { ownedTables, targetOf } from '../world/targets.ts'
import type { World } from '../world/world.ts'

/** For an administrator's transaction, which is its own again afterwards. A row that is refused is left out. */
export function rowsOfTenantAdded(world: World, tenant: Tenant): readonly string[] {
  const inserts = ownedTables(world).flatMap((object) => {
    const [target, sample] = [targetOf(object, tenant), object.samplesOf(tenant.id)[0]]
    if (target === null || sample === undefined || object.kind === 'partition') return []
    return [insertLike(target.relation, sample)]
  })
  return [
    'SET LOCAL session_replication_role = origin',
    ...world.enter(tenant).map(({ sql }) => sql),
    ...inserts.map((sql) => `DO ${literal(`BEGIN ${sql}; EXCEPTION WHEN OTHERS THEN NULL; END`)}`),
    'RESET ROLE',
  ]
}
