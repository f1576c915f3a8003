/** The tenant identity that a session carries: how it is entered, how it can be missing, how it is read. */

import type { Row } from './observation.ts'
import type { ContextPlan } from './target.ts'
import type { Tenant } from './tenant.ts'

/** A way in which a session can be without a tenant. */
export interface MissingContext {
  readonly state: 'never set' | 'set and committed' | 'empty' | 'malformed'
  /** Statements before the attack; they may end and begin transactions. */
  readonly prelude: readonly string[]
  /** True when the session must never have carried a context before. */
  readonly freshSession: boolean
}

/** One tenant that the server names, and where: the name of a setting, `current_user` or `search_path`. */
export interface ContextClaim {
  readonly tenant: Tenant
  readonly by: string
}

export interface TenantContext {
  readonly plan: ContextPlan
  /** Statements that put a transaction into the tenant's context until its end. */
  enter(tenant: Tenant): readonly string[]
  /** Settings among them, with the tenant's values. */
  settings(tenant: Tenant): readonly { readonly name: string; readonly value: string }[]
  /** True when the plan has a step of the kind whose value differs between tenants. */
  bindsBy(kind: 'setting' | 'role' | 'search_path'): boolean
  /** The states of a missing context; near misses that are another tenant's id are left out. */
  missing(tenant: Tenant, known: readonly Tenant[]): readonly MissingContext[]
  /** Select-list items by which a session says whose it is; `pid` is its backend. */
  readonly columns: string
  /** Every tenant that a row of `columns` names; a context that names nobody claims nothing. */
  claims(row: Row | undefined, known: readonly Tenant[]): readonly ContextClaim[]
}
