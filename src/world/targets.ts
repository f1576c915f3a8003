/** What a statement is aimed at: the relation that holds a tenant's rows, and what may be done with it. */

import type { Relation, TablePrivilege } from '../model/catalog.ts'
import type { Tenant } from '../model/tenant.ts'
import { identifier, qualified } from '../sql/identifier.ts'
import type { WorldObject } from '../model/world.ts'
import type { World } from './world.ts'

export interface Target {
  readonly relation: Relation
  /** Qualified, quoted name. */
  readonly address: string
  /** Columns the application may read, quoted and joined. */
  readonly columns: string
  readonly tenantColumn: string | null
}

/** The relation that holds the tenant's rows of the object, ready to be put into SQL. */
export function targetOf(object: WorldObject, tenant: Tenant): Target | null {
  const relation = object.relationOf(tenant)
  if (relation === null) return null
  const readable = relation.columns.filter((column) => column.selectable)
  const columns = (readable.length > 0 ? readable : relation.columns).map((column) =>
    identifier(column.name),
  )
  return {
    relation,
    address: qualified(relation),
    columns: columns.join(', '),
    tenantColumn: relation.tenantColumn,
  }
}

/** True when the application holds the privilege on the tenant's own relation. */
export function may(object: WorldObject, tenant: Tenant, privilege: TablePrivilege): boolean {
  return object.relationOf(tenant)?.applicationPrivileges.includes(privilege) === true
}

/** Objects of one kind, without those that hold nothing anybody could own. */
export function objectsOfKind(
  world: World,
  kinds: readonly Relation['kind'][],
): readonly WorldObject[] {
  return world.objects.filter((object) => kinds.includes(object.kind))
}

/** Tables, partitions and foreign tables that hold tenants' rows. */
export function ownedTables(world: World): readonly WorldObject[] {
  return objectsOfKind(world, ['table', 'partitioned table', 'partition', 'foreign table']).filter(
    (object) => !object.shared,
  )
}

/** True for a table that is empty and whose rows would not say whose they are: nobody can be expected to have one. */
export function isNobodys(world: World, object: WorldObject): boolean {
  return (
    object.rowsTotal === 0 &&
    world.tenants.every((tenant) => {
      const relation = object.relationOf(tenant)
      return relation === null || world.ownership.ownerSql(relation) === null
    })
  )
}
