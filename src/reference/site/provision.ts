/** Creates, seeds, clones and drops the scratch databases of a run. */

import { randomBytes } from 'node:crypto'
import { messageOf, sqlstateOf, WatertightError } from '../../errors.ts'
import type { WorldId } from '../../model/tenancy.ts'
import type { Tenant } from '../../model/tenant.ts'
import { tablesOf } from '../../dotmac/models/index.ts'
import type { RolePasswords } from '../../model/roles.ts'
import { createRolesSql, roleComment, secureDatabaseSql } from '../../dotmac/roles.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { ServerAddress } from '../../postgres/session/server-address.ts'
import { Session } from '../../postgres/session/session.ts'
import { loadRows } from '../seed/load.ts'
import type { SeedPlan } from '../seed/plan.ts'
import { tenancyOf } from '../tenancies/index.ts'
import { databaseName, type Namespace } from './namespace.ts'
import { markScratch } from './scratch.ts'

/** Every platform script is far below this; a run must not hang on a stuck server. */
const scriptTimeoutMs = 120_000

export interface Site {
  readonly address: ServerAddress
  readonly namespace: Namespace
  readonly passwords: RolePasswords
  readonly serverVersionNum: number
  readonly plan: SeedPlan
  readonly tenants: readonly Tenant[]
}

/** A superuser's session in the database; COPY needs one that is not pipelined. */
export function adminSession(address: ServerAddress, database: string): Promise<Session> {
  return Session.connect({
    address,
    database,
    pipeline: false,
    statementTimeoutMs: scriptTimeoutMs,
    lockTimeoutMs: 30_000,
  })
}

/** The plan's tenants with the role names of this namespace, and fresh passwords for the logins. */
export function siteOf(options: Omit<Site, 'passwords' | 'tenants'>): Site {
  const password = () => randomBytes(18).toString('base64url')
  return {
    ...options,
    passwords: { app: password(), admin: password() },
    tenants: options.plan.plannedTenants.map((tenant) => ({
      ...tenant,
      role: options.namespace.tenantRole(tenant.role),
    })),
  }
}

/** Roles are the server's, not a database's: they are created once per run. */
export async function createRoles(admin: Session, site: Site): Promise<void> {
  // Iterations protect weak passwords; these are 144 random bits, and thousands of connections log in.
  if (site.serverVersionNum >= 160000) await admin.query('SET scram_iterations = 64')
  await inTransaction(admin, createRolesSql(site.namespace.roles, site.passwords), 'the roles')
}

/** Creates and fills one database; returns the number of rows. */
export async function createWorldDatabase(
  site: Site,
  admin: Session,
  world: WorldId,
): Promise<number> {
  const database = databaseName(site.namespace, world)
  const tenancy = tenancyOf(world.tenancy)
  const plan = {
    service: world.service,
    variant: world.variant,
    tenants: site.tenants,
    roles: site.namespace.roles,
    serverVersionNum: site.serverVersionNum,
  }
  await admin.query(
    `CREATE DATABASE ${identifier(database)} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`,
  )
  await markScratch(admin, site, database)
  await using session = await adminSession(site.address, database)
  for (const script of tenancy.install(plan)) await inTransaction(session, script, database)
  const seedPlan = {
    ...site.plan,
    plannedTenants: site.plan.plannedTenants.map((tenant, index) => ({
      ...tenant,
      role: site.tenants[index]?.role ?? tenant.role,
    })),
  }
  const rows = await loadRows(session, { plan: seedPlan, tables: tablesOf(world.service), tenancy })
  for (const script of tenancy.afterLoad(plan)) await inTransaction(session, script, database)
  await session.query(secureDatabaseSql(database, site.namespace.roles))
  await session.query('ANALYZE')
  return rows
}

/** CREATE DATABASE ... TEMPLATE; database privileges are not copied, so they are granted again. */
export async function cloneDatabase(
  admin: Session,
  site: Site,
  names: { readonly from: string; readonly to: string },
): Promise<void> {
  const strategy = site.serverVersionNum >= 150000 ? ' STRATEGY file_copy' : ''
  await admin.query(
    `CREATE DATABASE ${identifier(names.to)} TEMPLATE ${identifier(names.from)}${strategy}`,
  )
  await markScratch(admin, site, names.to)
  await admin.query(secureDatabaseSql(names.to, site.namespace.roles))
}

/** Drops databases that this run created, whoever is still connected. */
export async function dropDatabases(admin: Session, names: readonly string[]): Promise<void> {
  for (const name of names)
    await admin.query(`DROP DATABASE IF EXISTS ${identifier(name)} WITH (FORCE)`)
}

/** Drops the roles that carry our comment; those that other databases still need stay. */
export async function dropRoles(admin: Session, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const [ours] =
      await admin.query(`SELECT 1 AS ours FROM pg_roles WHERE rolname = ${literal(name)}
      AND shobj_description(oid, 'pg_authid') = ${literal(roleComment)}`)
    if (ours === undefined) continue
    await admin.query(`DROP ROLE ${identifier(name)}`).catch((error: unknown) => {
      if (sqlstateOf(error) !== '2BP01') throw error
    })
  }
}

/** Every role of the site, tenants' roles first: they depend on nothing. */
export function roleNamesOf(site: Site): readonly string[] {
  const { roles } = site.namespace
  return [...site.tenants.map((tenant) => tenant.role), roles.app, roles.admin, roles.owner]
}

async function inTransaction(session: Session, script: string, what: string): Promise<void> {
  try {
    await session.query(`BEGIN;\n${script}\nCOMMIT;`)
  } catch (error) {
    await session.query('ROLLBACK').catch(() => undefined)
    const position = Number((error as { position?: unknown }).position ?? 0)
    const near =
      position > 0
        ? script.slice(Math.max(0, position - 60), position + 60).replace(/\s+/g, ' ')
        : ''
    throw new WatertightError(
      'WATERTIGHT_INSTALL_FAILED',
      `Installing ${what} failed: ${messageOf(error)}`,
      { hint: near === '' ? 'See the cause' : `Near: ${near}`, cause: error },
    )
  }
}
