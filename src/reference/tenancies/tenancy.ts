/** What a way of keeping tenants apart must answer, so that no probe knows which one it attacks. */

import type { ContextStrategy } from '../../model/context-strategy.ts'
import type { Relation } from '../../model/catalog.ts'
import type { Service, TenancyName, Variant } from '../../model/tenancy.ts'
import type { Tenant } from '../../model/tenant.ts'
import type { TableModel } from '../../dotmac/models/model.ts'
import type { RoleNames } from '../../model/roles.ts'

export interface InstallPlan {
  readonly service: Service
  readonly variant: Variant
  readonly tenants: readonly Tenant[]
  readonly roles: RoleNames
  readonly serverVersionNum: number
}

/** A way in which a session can be without a tenant. */
export interface MissingContext {
  readonly state: 'never set' | 'set and committed' | 'empty' | 'malformed'
  /** Statements before the attack; they may end and begin transactions. */
  readonly prelude: readonly string[]
  /** True when the session must never have carried a context before. */
  readonly freshSession: boolean
}

export interface Tenancy {
  readonly name: TenancyName
  readonly title: string
  /** SQL scripts for an empty database, each run as one transaction by a superuser, in order. */
  install(plan: InstallPlan): readonly string[]
  /** SQL after the rows are loaded. */
  afterLoad(plan: InstallPlan): readonly string[]
  /** Schema that holds a table's rows of one tenant. */
  schemaOf(table: TableModel, tenant: Tenant): string
  /** Statements that put a transaction into the tenant's context until its end. */
  enter(tenant: Tenant): readonly string[]
  /** The states of a missing context; near misses that are another tenant's id are left out. */
  missingContexts(tenant: Tenant, known: readonly Tenant[]): readonly MissingContext[]
  /** Ways of binding a tenant to a pooled connection, and whether they hold behind a transaction pooler. */
  readonly strategies: readonly {
    readonly strategy: ContextStrategy
    readonly behindPooler: boolean
  }[]
  /** Name under which the objects of all tenants are one row of the isolation matrix. */
  objectName(
    relation: Pick<Relation, 'schema' | 'name'>,
    tenants: ReadonlyMap<string, Tenant>,
  ): string
  /** Tenant that owns every row of the relation; null when rows carry their owner. */
  tenantOf(relation: Pick<Relation, 'schema'>, tenants: ReadonlyMap<string, Tenant>): Tenant | null
}
