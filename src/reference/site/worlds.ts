/** Opens the worlds of a site, as the probes need them. */

import { tablesOf } from '../../dotmac/models/index.ts'
import type { TableModel } from '../../dotmac/models/model.ts'
import { controlSchema, sharedSchema } from '../../dotmac/schema-manager.ts'
import type { WorldId } from '../../model/tenancy.ts'
import { World } from '../../world/world.ts'
import type { WorldSites } from '../world-rigs.ts'
import { ownershipOf } from '../../world/planted-marks.ts'
import { tenancyOf } from '../tenancies/index.ts'
import { databaseName } from './namespace.ts'
import type { Site } from './provision.ts'

export interface OpenWorldOptions extends WorldSites {
  readonly id: WorldId
  /** Default: the world's own database. */
  readonly database?: string
  readonly statementTimeoutMs: number
}

/** @throws WatertightError when the database cannot be reached. */
export function openWorld(site: Site, options: OpenWorldOptions): Promise<World> {
  const { id, database, statementTimeoutMs, service, operations } = options
  return World.open({
    id,
    address: site.address,
    database: database ?? databaseName(site.namespace, id),
    tenancy: tenancyOf(id.tenancy),
    tenants: site.tenants,
    ownership: ownershipOf(site.tenants),
    roles: site.namespace.roles,
    passwords: site.passwords,
    expectedPrivileges: expectedPrivileges(id),
    statementTimeoutMs,
    ...(service === undefined ? {} : { service }),
    ...(operations === undefined ? {} : { operations }),
  })
}

/** `<object>:<privilege>` of everything the platform grants the application. */
function expectedPrivileges(id: WorldId): ReadonlySet<string> {
  const nameOf = ({ name, placement }: TableModel) => {
    if (id.tenancy === 'row-level-security' || placement === 'tenant') return name
    return `${placement === 'shared' ? sharedSchema : controlSchema}.${name}`
  }
  return new Set(
    tablesOf(id.service)
      .filter((table) => id.tenancy === 'row-level-security' || table.placement !== 'control')
      .flatMap((table) => table.privileges.map((privilege) => `${nameOf(table)}:${privilege}`)),
  )
}
