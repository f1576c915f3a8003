/** Where migrations lie and what they bring up to date, for each tenancy. */

import { join } from 'node:path'
import type { Service, TenancyName } from '../../model/tenancy.ts'
import { packageRoot } from '../../registry.ts'
import type { RoleNames } from '../../model/roles.ts'
import { controlSchema, sharedSchema } from '../schema-manager.ts'
import type { Place } from './upgrade.ts'

/** A tenant as the tenants table maps it: its schema and role stay when its name changes. */
export interface MappedTenant {
  readonly id: string
  readonly schema: string
  readonly role: string
}

export interface PlaceOptions {
  readonly service: Service
  readonly roles: RoleNames
  /** Folder with <service>/migrations; default the platform's own. */
  readonly directory?: string
}

/** The tables of all tenants, or under schema-per-tenant what belongs to none. */
export function platformPlace(tenancy: TenancyName, options: PlaceOptions): Place {
  const shared = tenancy === 'row-level-security'
  return {
    title: `${options.service} platform`,
    folder: folderOf(shared ? 'shared-tables' : 'platform-schemas', options),
    versionTable: 'schemaversion',
    names: { ...options.roles },
    schemas: shared ? ['public'] : [controlSchema, sharedSchema],
    scope: { roles: options.roles },
  }
}

/** One tenant's own schema. */
export function tenantPlace({ id, schema, role }: MappedTenant, options: PlaceOptions): Place {
  return {
    title: `tenant ${id} in ${options.service}`,
    folder: tenantFolder(options),
    versionTable: schema,
    names: { ...options.roles, schema, role, tenant: id },
    schemas: [schema],
    scope: { roles: options.roles, onlyTenant: { id, role } },
  }
}

/** Migrations of every tenant's schema. */
export function tenantFolder(options: PlaceOptions): string {
  return folderOf('tenant-schema', options)
}

function folderOf(folder: string, { service, directory }: PlaceOptions): string {
  return join(directory ?? join(packageRoot(), 'fixtures'), service, 'migrations', folder)
}
