/** What a world is opened with: who knows the platform says it, the rest is read from the database. */

import type { Capabilities } from '../model/capability.ts'
import type { OfferedStrategy } from '../model/context-strategy.ts'
import type { RolePasswords } from '../model/roles.ts'
import type { Companion, WorldFacts } from '../model/world.ts'
import type { SessionOptions } from '../postgres/session/session.ts'
import { filled } from '../target/contexts.ts'
import type { CompanionOffer } from './companion.ts'

export interface WorldOptions extends Pick<
  WorldFacts,
  'id' | 'origin' | 'database' | 'tenants' | 'ownership' | 'context' | 'separatedBy' | 'roles'
> {
  /** Address of the server with the superuser's login. */
  readonly address: SessionOptions['address']
  readonly passwords: RolePasswords
  /** Schema whose objects are called by their bare names. Default: none. */
  readonly homeSchema?: string | null
  /** Ways of binding a tenant to a pooled connection that the platform offers. */
  readonly strategies: readonly OfferedStrategy[]
  /** What this world is asked about for all worlds of its target. Default: nothing. */
  readonly speaksFor?: readonly Companion[]
  /** What stands beside the database. Default: nothing. */
  readonly companions?: readonly CompanionOffer[]
  /** Default: a superuser's. */
  readonly capabilities?: Capabilities
  /** Privileges the platform grants, as `<object>:<privilege>`; their absence makes a cell unknown. */
  readonly expectedPrivileges?: ReadonlySet<string>
  /** Upper bound of one statement in ms, default 10,000. */
  readonly statementTimeoutMs?: number
}

/** Role in which the application meets the relations of a place, where the plan becomes one. */
export function rolesOfPlaces({
  tenants,
  ownership,
  context,
}: WorldOptions): ReadonlyMap<string, string> {
  const step = context.plan.enter.find(({ kind }) => kind === 'role')
  if (step?.kind !== 'role') return new Map()
  const placed = tenants.filter((tenant) => ownership.ownerByPlace(tenant) === tenant.id)
  return new Map(placed.map((tenant) => [tenant.schema, filled(step.role, tenant)]))
}
