/** Sessions on the platform's two databases; databases and roles that are missing can be made first. */

import { randomBytes } from 'node:crypto'
import { sqlstateOf, WatertightError } from '../../errors.ts'
import { services, type Service } from '../../model/tenancy.ts'
import { controlSchema } from '../../dotmac/schema-manager.ts'
import { createRolesSql, secureDatabaseSql } from '../../dotmac/roles.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { Session } from '../../postgres/session/session.ts'
import type { PlatformTarget } from './platform-target.ts'

export interface PlatformSessions extends AsyncDisposable {
  readonly sessions: Readonly<Record<Service, Session>>
}

export interface PlatformSessionOptions {
  /** Create databases and roles that are missing; the roles cannot log in until a password is set. Default false. */
  readonly create?: boolean
  /** Refuse databases that were never migrated, or to the other tenancy. Default: unless they may be created. */
  readonly migrated?: boolean
  /** Refuse a login that row security filters. Default true; false for what checks by itself what it may see. */
  readonly seesAll?: boolean
  /** Limit of one statement in ms, default 600,000: a migration may rewrite a table. */
  readonly statementTimeoutMs?: number
}

/**
 * Connects with the target's login, which mostly must see every row (superuser or BYPASSRLS).
 * @throws WatertightError WATERTIGHT_UNREACHABLE, WATERTIGHT_LOGIN_REFUSED, WATERTIGHT_NO_DATABASE, WATERTIGHT_RIGHTS,
 *   WATERTIGHT_NOT_MIGRATED.
 */
export async function openPlatform(
  target: PlatformTarget,
  options: PlatformSessionOptions = {},
): Promise<PlatformSessions> {
  const {
    create = false,
    migrated = !create,
    seesAll = true,
    statementTimeoutMs = 600_000,
  } = options
  const { address, databases } = target
  const connect = (database: string) =>
    Session.connect({
      address,
      database,
      pipeline: false,
      statementTimeoutMs,
      lockTimeoutMs: 30_000,
    })
  {
    await using admin = await connect('postgres')
    if (seesAll) await refuseBlind(admin, address.user)
    if (create) await ensureRoles(admin, target)
    for (const service of services)
      await ensureDatabase(admin, databases[service], create ? target : null)
  }
  const open: Session[] = []
  try {
    for (const service of services) open.push(await connect(databases[service]))
    for (const session of open) await requireTenancy(session, target, migrated)
  } catch (error) {
    for (const session of open) await session[Symbol.asyncDispose]()
    throw error
  }
  const [management, isp] = open as [Session, Session]
  return {
    sessions: { management, isp },
    [Symbol.asyncDispose]: async () => {
      for (const session of open) await session[Symbol.asyncDispose]()
    },
  }
}

/** For what opens sessions of its own. @throws as openPlatform does. */
export async function requirePlatform(target: PlatformTarget): Promise<void> {
  await (await openPlatform(target))[Symbol.asyncDispose]()
}

/** Every migrated database has its list of tenants, in the place that its tenancy gives it. */
export async function requireTenancy(
  session: Pick<Session, 'query'>,
  { tenancy }: Pick<PlatformTarget, 'tenancy'>,
  migrated: boolean,
): Promise<void> {
  // Of the catalogue: to_regclass() fails for who may not enter the schema.
  const [row] = await session.query(`SELECT current_database() AS name,
      coalesce(bool_or(n.nspname = 'public'), false) AS shared,
      coalesce(bool_or(n.nspname = ${literal(controlSchema)}), false) AS own
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname IN ('tenants', 'isp_tenants') AND n.nspname IN ('public', ${literal(controlSchema)})`)
  const [its, other] =
    tenancy === 'row-level-security' ? (['shared', 'own'] as const) : (['own', 'shared'] as const)
  if (row?.[its] === 't' || (row?.[other] !== 't' && !migrated)) return
  const isOther = row?.[other] === 't'
  const name = String(row?.['name'])
  throw new WatertightError(
    'WATERTIGHT_NOT_MIGRATED',
    isOther
      ? `The database ${name} is not under ${tenancy}`
      : `The database ${name} holds no platform yet`,
    {
      hint: isOther
        ? 'Give the other --mode: rls or schema'
        : 'Run watertight dotmac migrate with the same flags',
    },
  )
}

/** Under FORCE a login that row security filters would see no tenants, and call that success. */
async function refuseBlind(admin: Session, user: string): Promise<void> {
  const [row] = await admin.query(`SELECT rolsuper OR rolbypassrls AS sees FROM pg_catalog.pg_roles
    WHERE rolname = current_user`)
  if (row?.['sees'] === 't') return
  throw new WatertightError('WATERTIGHT_RIGHTS', `The login ${user} is subject to row security`, {
    hint: 'Operate the platform as a superuser, or as a role with BYPASSRLS',
  })
}

async function ensureDatabase(
  admin: Session,
  name: string,
  create: PlatformTarget | null,
): Promise<void> {
  const rows = await admin.query(
    `SELECT 1 FROM pg_catalog.pg_database WHERE datname = ${literal(name)}`,
  )
  if (rows.length > 0) {
    if (create !== null) await closeDatabase(admin, name)
    return
  }
  if (create === null) {
    throw new WatertightError(
      'WATERTIGHT_NO_DATABASE',
      `There is no database ${name} on the server`,
      {
        hint: 'watertight dotmac migrate makes it (without --dry-run); or name yours with --management and --isp',
      },
    )
  }
  const made = admin.query(`CREATE DATABASE ${identifier(name)} TEMPLATE template0 ENCODING 'UTF8'`)
  await made.catch((error: unknown) => {
    // Another run was a moment faster.
    if (sqlstateOf(error) !== '42P04' && sqlstateOf(error) !== '23505') throw error
  })
  await admin.query(secureDatabaseSql(name, create.roles))
}

/** In one that was made by hand everybody may make temporary tables and functions, which outlive a pooled request. */
async function closeDatabase(admin: Session, name: string): Promise<void> {
  const [row] = await admin.query(
    `SELECT has_database_privilege('public', ${literal(name)}, 'TEMPORARY, CREATE') AS open`,
  )
  if (row?.['open'] === 't')
    await admin.query(`REVOKE TEMPORARY, CREATE ON DATABASE ${identifier(name)} FROM PUBLIC`)
}

/** Roles that exist keep their attributes and passwords. */
async function ensureRoles(admin: Session, { roles }: PlatformTarget): Promise<void> {
  const names = Object.values(roles)
  const rows = await admin.query(`SELECT 1 FROM pg_catalog.pg_roles
    WHERE rolname IN (${names.map(literal).join(', ')})`)
  if (rows.length === names.length) return
  const unknown = () => randomBytes(24).toString('base64url')
  await admin.query(createRolesSql(roles, { app: unknown(), admin: unknown() }))
}
