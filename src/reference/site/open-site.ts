/** Finds or starts the server of a run, checks what it allows, and cleans up what the run created. */

import { randomBytes } from 'node:crypto'
import { messageOf, WatertightError } from '../../errors.ts'
import { roleComment, standardRoles } from '../../dotmac/roles.ts'
import { literal } from '../../sql/identifier.ts'
import { namedServer, type NamedServer } from '../../postgres/session/named-server.ts'
import { startEmbeddedServer, type ServerBase } from '../../postgres/server/server.ts'
import type { Server } from '../../postgres/session/server-address.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { SeedPlan } from '../seed/plan.ts'
import { buryDeadRuns, holdLife, markKept } from './dead-runs.ts'
import { requireConnections } from './free-connections.ts'
import { plainNamespace, prefixedNamespace, type Namespace } from './namespace.ts'
import {
  adminSession,
  createRoles,
  dropDatabases,
  dropRoles,
  roleNamesOf,
  siteOf,
  type Site,
} from './provision.ts'

/** Held by the run that uses the plain role names of a server; a second run takes prefixed ones. */
const plainNamesLock = 0x7761_7465

export interface OpenSite extends AsyncDisposable {
  readonly server: Server
  readonly site: Site
  readonly admin: Session
  readonly serverVersion: string
  /** Database that is there before the run's own ones. */
  readonly maintenanceDatabase: string
  /** Set when a server that we started ended by itself, or `look` found that it does not answer. */
  died(): string | null
  /** Asks the server by a connection of its own whether it still answers. */
  look(): Promise<void>
  /** Databases of a named server that are not ours: nobody looks at them. */
  readonly unexamined: readonly string[]
  /** Databases that a run which was killed had left there, and that are dropped now. */
  readonly buried: readonly string[]
  /** Databases to drop at the end; clones and worlds register here before they are created. */
  readonly databases: Set<string>
}

export interface SiteOptions {
  readonly target: string | null
  /** Version of the embedded server; null or absent for the installed one. */
  readonly version?: string | null
  /** Settings of the embedded server beside its own. */
  readonly settings?: Readonly<Record<string, string>>
  /** What the embedded server starts from, when not from an empty cluster. */
  readonly base?: ServerBase
  readonly plan: SeedPlan
  readonly keep: boolean
  /** Threads that will search. Default 1. */
  readonly workers?: number
}

/** @throws WatertightError WATERTIGHT_UNREACHABLE, WATERTIGHT_UNSUPPORTED, WATERTIGHT_RIGHTS. */
export async function openSite(options: SiteOptions): Promise<OpenSite> {
  const watch = { death: null as string | null }
  const { target } = options
  const server = target === null ? await startWatched(watch, options) : namedServer(target)
  let opened: Session | null = null
  try {
    const admin = (opened = await adminSession(server.address, databaseOf(server)))
    const { serverVersion, serverVersionNum } = await checkServer(admin, server)
    if (server.kind === 'named')
      await requireConnections(admin, { label: server.label, workers: options.workers ?? 1 })
    const buried = server.kind === 'named' ? await buryDeadRuns(admin) : []
    const namespace =
      server.kind === 'embedded' ? plainNamespace('') : await namespaceOn(admin, options.plan)
    const site = siteOf({
      address: server.address,
      namespace,
      serverVersionNum,
      plan: options.plan,
    })
    await createRoles(admin, site)
    const databases = new Set<string>()
    return {
      server,
      site,
      admin,
      serverVersion,
      databases,
      buried,
      unexamined: server.kind === 'named' ? await databasesOn(admin) : [],
      maintenanceDatabase: databaseOf(server),
      died: () => watch.death,
      look: async () => {
        watch.death ??= await silenceOf(server)
      },
      [Symbol.asyncDispose]: () =>
        closeSite({ server, site, admin, databases, keep: options.keep }),
    }
  } catch (error) {
    // An open connection would keep the process alive for ever.
    await opened?.[Symbol.asyncDispose]()
    await server.stop()
    throw error
  }
}

async function startWatched(
  watch: { death: string | null },
  { version = null, settings = {}, base }: SiteOptions,
): Promise<Server> {
  const server = await startEmbeddedServer({
    settings,
    ...(version === null ? {} : { version }),
    ...(base === undefined ? {} : { base }),
  })
  void server.exited.then(({ expected }) => {
    if (!expected) watch.death = `server died: ${server.logTail().at(-1) ?? 'no log line'}`
  })
  return server
}

/** Null when it answers. One that is full of connections does. */
async function silenceOf(server: Server): Promise<string | null> {
  try {
    await (await adminSession(server.address, databaseOf(server)))[Symbol.asyncDispose]()
    return null
  } catch (error) {
    const isSilent = error instanceof WatertightError && error.code === 'WATERTIGHT_UNREACHABLE'
    return isSilent ? `the server does not answer any more: ${error.message}` : null
  }
}

/** Where databases are created from: the one the user named, else the one every server has. */
function databaseOf(server: Server): string {
  return (server as Partial<NamedServer>).database ?? 'postgres'
}

async function checkServer(
  admin: Session,
  server: Server,
): Promise<{ serverVersion: string; serverVersionNum: number }> {
  const [row] = await admin.query(`SELECT current_setting('server_version') AS version,
    current_setting('server_version_num') AS num, current_setting('is_superuser') AS superuser,
    session_user AS who, pg_is_in_recovery() AS standby`)
  const serverVersionNum = Number(row?.['num'])
  if (!(serverVersionNum >= 140000 && serverVersionNum < 190000)) {
    throw new WatertightError(
      'WATERTIGHT_UNSUPPORTED',
      `${server.label} runs PostgreSQL ${String(row?.['version'])}`,
      { hint: 'PostgreSQL 14 to 18 are supported' },
    )
  }
  if (row?.['superuser'] !== 'on') {
    throw new WatertightError(
      'WATERTIGHT_RIGHTS',
      `The role ${String(row?.['who'])} on ${server.label} is no superuser`,
      {
        hint: 'Name a superuser in the DSN: roles, databases and the ground truth across tenants need one',
      },
    )
  }
  if (row['standby'] === 't') {
    throw new WatertightError(
      'WATERTIGHT_RIGHTS',
      `${server.label} is a standby: it cannot be written to`,
      {
        hint: 'Name the primary with --target, or a server of its own; the databases that are attacked are made anew',
      },
    )
  }
  return { serverVersion: String(row['version']).split(' ')[0] ?? '', serverVersionNum }
}

async function databasesOn(admin: Session): Promise<readonly string[]> {
  const found = await admin.query(
    'SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1',
  )
  return found.map((row) => String(row['datname']))
}

/** Plain role names where they are free or ours, and no other run is using them. */
async function namespaceOn(admin: Session, plan: SeedPlan): Promise<Namespace> {
  const prefix = `watertight_${randomBytes(4).toString('hex')}_`
  await holdLife(admin, prefix)
  const names = [
    ...Object.values(standardRoles),
    ...plan.plannedTenants.map((tenant) => tenant.role),
  ]
  const [taken] =
    await admin.query(`SELECT rolname FROM pg_roles WHERE rolname IN (${names.map(literal).join(', ')})
    AND shobj_description(oid, 'pg_authid') IS DISTINCT FROM ${literal(roleComment)} LIMIT 1`)
  const [lock] = await admin.query(`SELECT pg_try_advisory_lock(${plainNamesLock}) AS mine`)
  return taken === undefined && lock?.['mine'] === 't'
    ? plainNamespace(prefix)
    : prefixedNamespace(prefix)
}

interface Closing extends Pick<OpenSite, 'server' | 'site' | 'admin' | 'databases'> {
  readonly keep: boolean
}

/** A server that crashed in between is asked by a new connection; one that is gone cannot be asked. */
async function dropAll({ server, site, admin, databases }: Omit<Closing, 'keep'>): Promise<void> {
  const cleaner =
    admin.lost === null
      ? admin
      : await adminSession(server.address, databaseOf(server)).catch(() => null)
  if (cleaner === null) return
  try {
    await dropDatabases(cleaner, [...databases])
    await dropRoles(cleaner, roleNamesOf(site))
  } finally {
    if (cleaner !== admin) await cleaner[Symbol.asyncDispose]()
  }
}

async function closeSite({ server, site, admin, databases, keep }: Closing): Promise<void> {
  try {
    if (server.kind === 'named') {
      if (keep) await markKept(admin, [...databases])
      else await dropAll({ server, site, admin, databases })
    }
  } catch (error) {
    throw new WatertightError(
      'WATERTIGHT_CLEANUP',
      `Scratch databases could not be dropped: ${messageOf(error)}`,
      { hint: `Drop the databases ${[...databases].join(', ')} by hand`, cause: error },
    )
  } finally {
    await admin[Symbol.asyncDispose]()
    await server.stop()
  }
}
