/** The platform that a `watertight dotmac` command works on: a server, two databases, a tenancy. */

import { WatertightError } from '../../errors.ts'
import type { Service, TenancyName } from '../../model/tenancy.ts'
import type { RoleNames } from '../../model/roles.ts'
import { standardRoles } from '../../dotmac/roles.ts'
import { namedServer } from '../../postgres/session/named-server.ts'
import type { ServerAddress } from '../../postgres/session/server-address.ts'
import { databaseName, plainNamespace } from '../site/namespace.ts'

export interface PlatformTarget {
  readonly address: ServerAddress
  readonly tenancy: TenancyName
  readonly databases: Readonly<Record<Service, string>>
  readonly roles: RoleNames
}

export interface PlatformFlags {
  /** DSN of the server with the login that the command needs. */
  readonly target?: string
  /** `rls` (default) or `schema`. */
  readonly mode?: string
  /** Names of the databases; default dotmac_management and dotmac_isp, as the seed document names them. */
  readonly management?: string
  readonly isp?: string
}

/** @throws WatertightError WATERTIGHT_NO_TARGET, WATERTIGHT_BAD_TARGET, WATERTIGHT_BAD_FLAG. */
export function platformTarget(flags: PlatformFlags): PlatformTarget {
  if (flags.target === undefined || flags.target === '') {
    throw new WatertightError(
      'WATERTIGHT_NO_TARGET',
      'A command of the platform needs the server it works on',
      { hint: 'Give --target postgres://user:password@host:port or set WATERTIGHT_TARGET' },
    )
  }
  const tenancy = tenancies[flags.mode ?? 'rls']
  if (tenancy === undefined) {
    throw new WatertightError(
      'WATERTIGHT_BAD_FLAG',
      `--mode ${JSON.stringify(flags.mode)} is neither rls nor schema`,
      { hint: 'Give --mode rls or --mode schema' },
    )
  }
  const named = (service: Service) =>
    databaseName(plainNamespace(''), {
      service,
      tenancy: 'row-level-security',
      variant: 'hardened',
    })
  return {
    address: namedServer(flags.target).address,
    tenancy,
    roles: standardRoles,
    databases: {
      management: flags.management ?? named('management'),
      isp: flags.isp ?? named('isp'),
    },
  }
}

const tenancies: Readonly<Record<string, TenancyName>> = {
  rls: 'row-level-security',
  schema: 'schema-per-tenant',
}
