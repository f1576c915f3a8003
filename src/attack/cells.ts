/** Cells over objects, and the positive control of a cell on a tenant's own rows. */

import type { TablePrivilege } from '../model/catalog.ts'
import type { Attempt, Row, Statement } from '../model/observation.ts'
import type { Tenant } from '../model/tenant.ts'
import type { Cell, Scene } from '../probe/define.ts'
import { may, targetOf, type Target } from '../world/targets.ts'
import type { WorldObject } from '../model/world.ts'

/** One cell per object for a path that needs a privilege. */
export function cellsOf(
  objects: readonly WorldObject[],
  path: string,
  privilege: TablePrivilege,
): readonly Cell[] {
  return objects.map((object) => ({ object, name: object.name, path, privilege }))
}

/** The object of a cell that always has one. */
export function objectOf(cell: Cell): WorldObject {
  if (cell.object === null) throw new Error(`the cell ${cell.name} has no object`)
  return cell.object
}

/** Runs a statement on the tenant's own relation in its own context; null without the privilege. */
export function controlOn(
  { world, cell }: Scene,
  tenant: Tenant,
  build: (target: Target, sample: Row) => string | null,
): Promise<Attempt> | null {
  const object = objectOf(cell)
  const target = targetOf(object, tenant)
  const sample = object.samplesOf(tenant.id)[0]
  if (target === null || (cell.privilege !== undefined && !may(object, tenant, cell.privilege)))
    return null
  const sql = build(target, sample ?? {})
  if (sql === null) return null
  return world.attempt([...world.enter(tenant), deferred, { sql, role: 'control' }])
}

/** Foreign keys of the platform are deferrable: a blind write must not stop at the order of tables. */
export const deferred: Statement = { sql: 'SET CONSTRAINTS ALL DEFERRED', role: 'context' }
