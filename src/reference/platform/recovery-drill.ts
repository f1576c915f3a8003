/** Recovery drills on servers of their own: a failure is caused, recovered from, and what came back is judged. */

import { backupTenant } from '../../dotmac/backup/backup-tenant.ts'
import type { BackupPlatform } from '../../dotmac/backup/backup-platform.ts'
import { restoreTenant } from '../../dotmac/backup/restore-tenant.ts'
import {
  lastHeartbeats,
  secondsLost,
  type LastHeartbeats,
} from '../../dotmac/recovery/heartbeats.ts'
import {
  differences,
  readTenantStates,
  type TenantStates,
} from '../../dotmac/recovery/tenant-states.ts'
import { validateIsolation } from '../../dotmac/recovery/validate-isolation.ts'
import { identifier } from '../../sql/identifier.ts'
import { recoverySettings, type RecoveryTarget } from '../../postgres/programs/base-backup.ts'
import { startEmbeddedServer } from '../../postgres/server/server.ts'
import type { Session } from '../../postgres/session/session.ts'
import { DrillPlatform, type DrillOptions } from './drill-platform.ts'
import { askLeakSuites, type AskedSuites } from './leak-suites.ts'
import { adminSession } from '../site/provision.ts'

export const drills = ['pitr', 'tenant', 'coordinated'] as const
export type DrillName = (typeof drills)[number]

export interface DrillResult {
  readonly drill: DrillName
  /** What was recovered to. */
  readonly target: string
  /** Seconds of committed work that did not come back, by the heartbeats' commit times. */
  readonly rpoSeconds: number
  /** Seconds from the start of recovery until rows and policies of every tenant were validated. */
  readonly rtoSeconds: number
  /** Seconds from the start of recovery until the leak suites had answered as well. */
  readonly validatedSeconds: number
  readonly tenants: number
  /** What the leak suites asked of the recovered databases. */
  readonly suites: AskedSuites
  /** One sentence each; empty when every tenant is as at the target and isolation holds. */
  readonly faults: readonly string[]
}

/** @throws WatertightError of the servers, the seed or the backup; what recovery got wrong is in `faults`. */
export async function runDrill(name: DrillName, options: DrillOptions = {}): Promise<DrillResult> {
  await using drill = await DrillPlatform.start(options)
  drill.heartbeats.start()
  await pause(300)
  if (name === 'tenant') return await tenantDrill(drill)
  return name === 'pitr' ? await pitrDrill(drill) : await coordinatedDrill(drill)
}

/** A mistake wipes rows of every tenant; the platform goes back to the moment before it. */
async function pitrDrill(drill: DrillPlatform): Promise<DrillResult> {
  await drill.heartbeats.stop()
  const expected = await readTenantStates(drill.at(drill.server.tcpAddress), drill.tenants)
  const before = await lastHeartbeats(drill.sessions)
  const [now] = await drill.site.admin.query('SELECT clock_timestamp() AS now')
  await pause(50)
  for (const session of Object.values(drill.sessions)) await mistake(session)
  drill.heartbeats.start()
  await pause(200)
  await drill.heartbeats.stop()
  await drill.archiveAll()
  return await recover(drill, {
    drill: 'pitr',
    target: { kind: 'time', value: String(now?.['now']) },
    expected,
    before,
    exact: before,
  })
}

/**
 * The server dies; both databases come back at one named restore point. They live in one cluster, so one
 * point of its WAL is a point of both. What was committed after the point is the price, and is counted.
 */
async function coordinatedDrill(drill: DrillPlatform): Promise<DrillResult> {
  await drill.heartbeats.stop()
  const expected = await readTenantStates(drill.at(drill.server.tcpAddress), drill.tenants)
  const exact = await lastHeartbeats(drill.sessions)
  await drill.site.admin.query(`SELECT pg_create_restore_point('dotmac_both')`)
  drill.heartbeats.start()
  await drill.archiveAll()
  await pause(300)
  await drill.heartbeats.stop()
  const before = await lastHeartbeats(drill.sessions)
  await drill.server.crash()
  return await recover(drill, {
    drill: 'coordinated',
    target: { kind: 'name', value: 'dotmac_both' },
    expected,
    before,
    exact,
  })
}

interface Recovery {
  readonly drill: DrillName
  readonly target: RecoveryTarget
  readonly expected: TenantStates
  /** The last heartbeats before the failure. */
  readonly before: LastHeartbeats
  /** The last heartbeats at the target. */
  readonly exact: LastHeartbeats
}

async function recover(
  drill: DrillPlatform,
  { target, expected, before, exact, ...rest }: Recovery,
): Promise<DrillResult> {
  const started = performance.now()
  await using server = await startEmbeddedServer({
    settings: recoverySettings(drill.store, target),
    startTimeoutMs: 120_000,
    base: { dataDirectory: drill.store.base, password: drill.server.tcpAddress.password ?? '' },
  })
  const platform = drill.at(server.tcpAddress)
  await using management = await adminSession(server.tcpAddress, platform.databases.management)
  await using isp = await adminSession(server.tcpAddress, platform.databases.isp)
  const after = await lastHeartbeats({ management, isp })
  await sabotage(isp, drill)
  const judged = await judge(drill, platform, { expected, started })
  return {
    ...rest,
    ...judged,
    target: target.kind === 'latest' ? 'latest' : `${target.kind} ${target.value}`,
    rpoSeconds: secondsLost(before, after),
    tenants: drill.tenants.length,
    faults: [...pointFaults(exact, after), ...judged.faults],
  }
}

/** Recovery has to end at the target in both databases: no heartbeat less, and none that came later. */
function pointFaults(exact: LastHeartbeats, after: LastHeartbeats): readonly string[] {
  return (['management', 'isp'] as const).flatMap((service) => {
    const [target, found] = [exact.last[service].number, after.last[service].number]
    return target === found
      ? []
      : [`${service} came back at heartbeat ${found}; the target was ${target}`]
  })
}

type Judged = Pick<DrillResult, 'rtoSeconds' | 'validatedSeconds' | 'suites' | 'faults'>

/** Rows and policies first, by which the platform could be opened again; then the leak suites. */
async function judge(
  drill: DrillPlatform,
  platform: BackupPlatform,
  { expected, started }: { readonly expected: TenantStates; readonly started: number },
): Promise<Judged> {
  const seconds = () => (performance.now() - started) / 1000
  const found = await readTenantStates(platform, drill.tenants)
  const { namespace, passwords, tenants } = drill.site.site
  const login = { user: namespace.roles.app, password: passwords.app }
  const faults = [
    ...differences(expected, found),
    ...(await validateIsolation(platform, { tenants, login })),
  ]
  const rtoSeconds = seconds()
  const { asked, faults: leaks } = await askLeakSuites(drill, platform)
  return { rtoSeconds, validatedSeconds: seconds(), suites: asked, faults: [...faults, ...leaks] }
}

async function sabotage(isp: Session, { afterRecovery }: DrillPlatform): Promise<void> {
  if (afterRecovery !== null) await isp.query(afterRecovery)
}

/** One tenant's rows are wiped on the live platform and put back from its own backup. */
async function tenantDrill(drill: DrillPlatform): Promise<DrillResult> {
  const platform = drill.at(drill.server.tcpAddress)
  const [tenant = ''] = drill.tenants
  const expected = await readTenantStates(platform, drill.tenants)
  const { databases } = await backupTenant(platform, tenant, { to: drill.store.tenant })
  await pause(200)
  for (const session of Object.values(drill.sessions))
    await mistake(session, `tenant_id = '${tenant}'`)
  const failedAt = await clockMs(drill.site.admin)
  const started = performance.now()
  await restoreTenant(platform, { from: drill.store.tenant })
  await sabotage(drill.sessions.isp, drill)
  const judged = await judge(drill, platform, { expected, started })
  const taken = Object.values(databases).map(({ takenAt }) => Date.parse(takenAt))
  return {
    drill: 'tenant',
    target: `the backup of ${tenant}`,
    rpoSeconds: (failedAt - Math.min(...taken)) / 1000,
    tenants: drill.tenants.length,
    ...judged,
  }
}

async function clockMs(session: Session): Promise<number> {
  const [row] = await session.query('SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms')
  return Number(row?.['ms'])
}

/** Wipes the rows of every leaf table, in whatever schema it stands. */
async function mistake(session: Session, where = 'true'): Promise<void> {
  const rows = await session.query(`SELECT n.nspname AS schema, c.relname AS name FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relname IN ('isp_analytics_usage', 'isp_network_links', 'tasks_runs', 'audit_events')
      AND c.relkind IN ('r', 'p') AND NOT c.relispartition`)
  for (const row of rows) {
    await session.query(
      `DELETE FROM ${identifier(String(row['schema']))}.${identifier(String(row['name']))} WHERE ${where}`,
    )
  }
}

async function pause(ms: number): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
