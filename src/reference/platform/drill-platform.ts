/** The platform of a recovery drill: its server archives WAL, so that another can recover from it. */

import type { BackupPlatform } from '../../dotmac/backup/backup-platform.ts'
import { onOneServer } from '../../dotmac/backup/backup-platform.ts'
import { createHeartbeatTable, HeartbeatWriter } from '../../dotmac/recovery/heartbeats.ts'
import type { Service, TenancyName } from '../../model/tenancy.ts'
import {
  archiveSettings,
  createRecoveryStore,
  takeBaseBackup,
  type RecoveryStore,
} from '../../postgres/programs/base-backup.ts'
import { startEmbeddedServer, type EmbeddedServer } from '../../postgres/server/server.ts'
import type { ServerAddress } from '../../postgres/session/server-address.ts'
import type { Session } from '../../postgres/session/session.ts'
import { planSeed } from '../seed/plan.ts'
import { databaseName } from '../site/namespace.ts'
import { openSite, type OpenSite } from '../site/open-site.ts'
import { adminSession, createWorldDatabase } from '../site/provision.ts'

export interface DrillOptions {
  /** Default row-level-security. */
  readonly tenancy?: TenancyName
  /** Default 8: of fewer, some partitions of the large tables hold nobody's rows. */
  readonly tenants?: number
  /** Rows of an average tenant in each database, default 200. */
  readonly rows?: number
  /** SQL for the ISP database before it is backed up: a defect, to see that the drill sees it. Default none. */
  readonly defect?: string
  /** SQL for the ISP database when it is recovered: a loss, to see that the drill sees it. Default none. */
  readonly afterRecovery?: string
  /** Ids of the probes that are asked of what came back; default all of isolation and catalogue. */
  readonly probes?: readonly string[]
}

export class DrillPlatform implements AsyncDisposable {
  readonly server: EmbeddedServer
  readonly store: RecoveryStore
  readonly site: OpenSite
  readonly tenancy: TenancyName
  readonly sessions: Readonly<Record<Service, Session>>
  readonly heartbeats: HeartbeatWriter
  readonly afterRecovery: string | null
  readonly probes: readonly string[] | null
  /** In the order of their opening. */
  readonly #opened: readonly AsyncDisposable[]

  private constructor(
    parts: Parts,
    opened: readonly AsyncDisposable[],
    { afterRecovery, probes }: Wishes,
  ) {
    this.afterRecovery = afterRecovery ?? null
    this.probes = probes ?? null
    this.server = parts.server
    this.store = parts.store
    this.site = parts.site
    this.tenancy = parts.tenancy
    this.sessions = parts.sessions
    this.heartbeats = new HeartbeatWriter(parts.sessions)
    this.#opened = opened
  }

  /** Seeded, with a base backup and a heartbeat table in each database. */
  static async start(options: DrillOptions = {}): Promise<DrillPlatform> {
    const opened: AsyncDisposable[] = []
    try {
      return new DrillPlatform(await open(options, opened), opened, options)
    } catch (error) {
      await closeAll(opened)
      throw error
    }
  }

  get tenants(): readonly string[] {
    return this.site.site.tenants.map(({ id }) => id)
  }

  /** The same two databases, on this server or on one that recovered them. */
  at(address: ServerAddress): BackupPlatform {
    const name = (service: Service) =>
      databaseName(this.site.site.namespace, {
        service,
        tenancy: this.tenancy,
        variant: 'hardened',
      })
    return onOneServer(address, {
      tenancy: this.tenancy,
      databases: { management: name('management'), isp: name('isp') },
    })
  }

  /** Waits until all WAL written so far is in the archive. Time limit 30 s. */
  async archiveAll(): Promise<void> {
    const { admin } = this.site
    const [row] = await admin.query('SELECT pg_walfile_name(pg_switch_wal()) AS file')
    const file = String(row?.['file'])
    for (const deadline = Date.now() + 30_000; Date.now() < deadline;) {
      const [seen] = await admin.query(
        `SELECT last_archived_wal >= '${file}' AS there FROM pg_stat_archiver`,
      )
      if (seen?.['there'] === 't') return
      await new Promise((resolve) => {
        setTimeout(resolve, 20)
      })
    }
    throw new Error(
      `WAL file ${file} was not archived within 30 s: ${this.server.logTail().slice(-3).join('; ')}`,
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.heartbeats.stop().catch(() => undefined)
    await closeAll(this.#opened)
  }
}

type Wishes = Pick<DrillOptions, 'afterRecovery' | 'probes'>

type Parts = Pick<DrillPlatform, 'server' | 'store' | 'site' | 'tenancy' | 'sessions'>

/** What is opened is put into `opened` at once, so that a failure further on leaves nothing running. */
async function open(options: DrillOptions, opened: AsyncDisposable[]): Promise<Parts> {
  const keep = <T extends AsyncDisposable>(resource: T): T => {
    opened.push(resource)
    return resource
  }
  const store = keep(await createRecoveryStore())
  const server = keep(await startEmbeddedServer({ settings: archiveSettings(store) }))
  const { user, password, host, port } = server.tcpAddress
  const plan = planSeed({ seed: 1, tenants: options.tenants ?? 8, rows: options.rows ?? 200 })
  // Kept: the server goes as a whole, and in a drill it may be dead by then.
  const site = keep(
    await openSite({
      target: `postgres://${user}:${password ?? ''}@${host}:${port}/postgres`,
      plan,
      keep: true,
    }),
  )
  const tenancy = options.tenancy ?? 'row-level-security'
  const database = async (service: Service): Promise<Session> => {
    const world = { service, tenancy, variant: 'hardened' } as const
    await createWorldDatabase(site.site, site.admin, world)
    const session = keep(
      await adminSession(server.tcpAddress, databaseName(site.site.namespace, world)),
    )
    await createHeartbeatTable(session)
    return session
  }
  const sessions = { management: await database('management'), isp: await database('isp') }
  if (options.defect !== undefined) await sessions.isp.query(options.defect)
  await takeBaseBackup(site.admin, store)
  return { server, store, site, tenancy, sessions }
}

async function closeAll(opened: readonly AsyncDisposable[]): Promise<void> {
  for (const resource of [...opened].reverse()) await resource[Symbol.asyncDispose]()
}
