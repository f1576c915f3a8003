/** Names of everything a run creates on a server, so that it never touches what it did not create. */

import type { Service, TenancyName, Variant, WorldId } from '../../model/tenancy.ts'
import { services } from '../../model/tenancy.ts'
import type { RoleNames } from '../../model/roles.ts'
import { standardRoles } from '../../dotmac/roles.ts'
import { shortHash } from '../../short-hash.ts'

export interface Namespace {
  /** '' on a server of our own, `watertight_<run>_` on a server that the user named. */
  readonly prefix: string
  readonly roles: RoleNames
  /** Role of a tenant, prefixed where the plain name belongs to somebody else. */
  readonly tenantRole: (role: string) => string
}

/** Plain names, as the seed document writes them. */
export function plainNamespace(prefix: string): Namespace {
  return { prefix, roles: standardRoles, tenantRole: (role) => role }
}

/** Prefixed roles, for a server on which the plain names are taken. */
export function prefixedNamespace(prefix: string): Namespace {
  const cut = (name: string) => {
    const full = `${prefix}${name}`
    return Buffer.byteLength(full) <= 63 ? full : `${full.slice(0, 46)}_${shortHash(full)}`
  }
  const { owner, app, admin } = standardRoles
  return { prefix, roles: { owner: cut(owner), app: cut(app), admin: cut(admin) }, tenantRole: cut }
}

const suffixes: Readonly<Record<`${TenancyName}/${Variant}`, string>> = {
  'row-level-security/hardened': '',
  'row-level-security/as-written': '_as_written',
  'schema-per-tenant/hardened': '_schema_per_tenant',
  'schema-per-tenant/as-written': '_schema_as_written',
}

/** `dotmac_isp`, `dotmac_isp_as_written`, `dotmac_isp_schema_per_tenant`, with the run's prefix. */
export function databaseName(namespace: Namespace, world: WorldId): string {
  return `${namespace.prefix}dotmac_${world.service}${suffixes[`${world.tenancy}/${world.variant}`]}`
}

/** The copy of a world's database that requests of the service are committed in. */
export function serviceDatabaseName(namespace: Namespace, world: WorldId): string {
  return `${databaseName(namespace, world)}_service`
}

/** Copies of both databases of a world's tenancy that operations are tried on. */
export function operationsDatabaseNames(
  namespace: Namespace,
  world: WorldId,
): Readonly<Record<Service, string>> {
  const nameOf = (service: Service) =>
    `${databaseName(namespace, { ...world, service })}_operations`
  return { management: nameOf('management'), isp: nameOf('isp') }
}

/** Every world of a run, the judged ones first; `asWritten` names the services compared with the seed's SQL. */
export function worldsOf(
  modes: readonly TenancyName[],
  asWritten: readonly Service[],
): readonly WorldId[] {
  const both = (tenancy: TenancyName, variant: Variant) =>
    services.map((service: Service): WorldId => ({ service, tenancy, variant }))
  return [
    ...(modes.includes('row-level-security') ? both('row-level-security', 'hardened') : []),
    ...(modes.includes('schema-per-tenant') ? both('schema-per-tenant', 'hardened') : []),
    ...(modes.includes('row-level-security')
      ? both('row-level-security', 'as-written')
      : []
    ).filter(({ service }) => asWritten.includes(service)),
  ]
}
