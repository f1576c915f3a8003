/** What a way of keeping tenants apart must answer, so that no probe knows which one it attacks. */

import type { OfferedStrategy } from '../../model/context-strategy.ts'
import type { ContextPlan } from '../../model/target.ts'
import type { WorldFacts } from '../../model/world.ts'
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

export interface Tenancy {
  readonly name: TenancyName
  readonly title: string
  /** SQL scripts for an empty database, each run as one transaction by a superuser, in order. */
  install(plan: InstallPlan): readonly string[]
  /** SQL after the rows are loaded. */
  afterLoad(plan: InstallPlan): readonly string[]
  /** Schema that holds a table's rows of one tenant. */
  schemaOf(table: TableModel, tenant: Tenant): string
  /** How the platform binds a tenant; attacks enter it in the same way. */
  readonly context: ContextPlan
  readonly separatedBy: WorldFacts['separatedBy']
  /** Ways of binding a tenant to a pooled connection. */
  readonly strategies: readonly OfferedStrategy[]
}
