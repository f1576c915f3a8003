/** Opens the worlds of a site, as the probes need them. */

import { tablesOf } from '../../dotmac/models/index.ts'
import type { TableModel } from '../../dotmac/models/model.ts'
import { controlSchema, sharedSchema } from '../../dotmac/schema-manager.ts'
import type { WorldId } from '../../model/tenancy.ts'
import { World } from '../../world/world.ts'
import { plantedOwnership } from '../../world/planted-marks.ts'
import type { Companion } from '../../model/world.ts'
import { compileContext } from '../../target/contexts.ts'
import type { CompanionOffer } from '../../world/companion.ts'
import { OperationsRig, operationsRig, type OperationsSite } from '../operations/operations-rig.ts'
import { ServiceRig, serviceRig, type ServiceSite } from '../service/service-rig.ts'
import { tenancyOf } from '../tenancies/index.ts'
import { databaseName } from './namespace.ts'
import type { Site } from './provision.ts'

/** What else may be attacked beside the database. */
export interface WorldSites {
  /** Where the HTTP service may be attacked; absent where it is not asked about. */
  readonly service?: ServiceSite
  /** Copies of both databases for the operator's operations; absent where they are not asked about. */
  readonly operations?: OperationsSite
}

export interface OpenWorldOptions extends WorldSites {
  readonly id: WorldId
  /** Default: the world's own database. */
  readonly database?: string
  readonly statementTimeoutMs: number
}

/** @throws WatertightError when the database cannot be reached. */
export function openWorld(site: Site, options: OpenWorldOptions): Promise<World> {
  const { id, database, statementTimeoutMs } = options
  const { context, separatedBy, strategies } = tenancyOf(id.tenancy)
  const bySchema = separatedBy === 'places'
  return World.open({
    id,
    origin: 'planted',
    address: site.address,
    database: database ?? databaseName(site.namespace, id),
    tenants: site.tenants,
    ownership: plantedOwnership(site.tenants, { bySchema, columns: ['tenant_id'] }),
    context: compileContext(context),
    separatedBy,
    strategies,
    homeSchema: bySchema ? null : 'public',
    speaksFor: spokenFor(id),
    companions: companionsOf(options),
    roles: site.namespace.roles,
    passwords: site.passwords,
    expectedPrivileges: expectedPrivileges(id),
    statementTimeoutMs,
  })
}

/** The ISP database speaks for all: it has what the service shows, and poolers and servers know no tables. */
function spokenFor({ service, tenancy, variant }: WorldId): readonly Companion[] {
  if (service !== 'isp') return []
  if (variant !== 'hardened') return ['pooler']
  return [
    'pooler',
    'http',
    'operations',
    ...(tenancy === 'row-level-security' ? (['server'] as const) : []),
  ]
}

function companionsOf({ service, operations }: WorldSites): readonly CompanionOffer[] {
  return [
    ...(service === undefined
      ? []
      : [serviceRig.offer((world) => ServiceRig.open(world, service))]),
    ...(operations === undefined
      ? []
      : [operationsRig.offer((world) => OperationsRig.open(world, operations))]),
  ]
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
