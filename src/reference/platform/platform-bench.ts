/** What the platform costs, as ratios with bounds, each measured interleaved in one run. */

import { measureCopyRate } from '../../dotmac/backup/copy-rate.ts'
import { onOneServer } from '../../dotmac/backup/backup-platform.ts'
import { withTenant } from '../../dotmac/with-tenant.ts'
import { measureOverhead, overheadQueries, seedQueries } from '../speed/overhead.ts'
import { buildSpeedDatabase } from '../speed/speed-database.ts'
import { plain } from '../speed/variants.ts'
import { againOf } from '../../gauge/variant.ts'
import type { Interval } from '../../model/measurement.ts'
import { tenancies, type TenancyName } from '../../model/tenancy.ts'
import { distantServer } from '../../postgres/session/distant-server.ts'
import { openDriverPool, type DriverPool } from '../../postgres/session/driver-pool.ts'
import { identifier } from '../../sql/identifier.ts'
import { EmbeddedServer } from '../../postgres/server/server.ts'
import { Session } from '../../postgres/session/session.ts'
import { planSeed } from '../seed/plan.ts'
import { secureDatabaseSql } from '../../dotmac/roles.ts'
import { openSite } from '../site/open-site.ts'
import { ScratchPlatform } from './scratch-platform.ts'

export interface PlatformBenchOptions {
  /** Rows of isp_customers for the overhead of row security, over all tenants. */
  readonly rows: number
  /** Rows of the tenant that is restored, about; the largest of its platform. */
  readonly tenantRows: number
  /** Pairs of the round trips and of the restore, at least 8. */
  readonly rounds: number
  /** Time for the overhead of all statements together, in ms. */
  readonly overheadMs: number
}

export type BoundVerdict = 'met' | 'missed' | 'undecided'

export interface Bounded {
  readonly title: string
  readonly value: number
  readonly interval: Interval
  readonly bound: { readonly atMost: number } | { readonly atLeast: number }
  readonly verdict: BoundVerdict
  readonly note: string
}

/** Values as they are measured. Needs nothing but the embedded server. @throws WatertightError of the server. */
export async function* benchPlatform(options: PlatformBenchOptions): AsyncGenerator<Bounded> {
  for (const tenancy of tenancies) yield* roundTripsOf(tenancy, options)
  yield await restoreOf(options)
  yield* overheadOf(options)
}

/** Undecided while the interval lies on both sides of the bound. */
export function boundVerdict({ low, high }: Interval, bound: Bounded['bound']): BoundVerdict {
  if ('atMost' in bound)
    return high <= bound.atMost ? 'met' : low > bound.atMost ? 'missed' : 'undecided'
  return low >= bound.atLeast ? 'met' : high < bound.atLeast ? 'missed' : 'undecided'
}

const delayMs = 10
/** A timer and the event loop may add so much of a round trip. */
const timerShare = 0.25

/** A round trip takes 20 ms: what is none does not show. */
async function* roundTripsOf(
  tenancy: TenancyName,
  { rounds }: PlatformBenchOptions,
): AsyncGenerator<Bounded> {
  await using platform = await ScratchPlatform.start({ tenancy, services: ['isp'], rows: 20 })
  const { namespace, passwords } = platform.open.site
  const { server } = platform.open
  if (!(server instanceof EmbeddedServer)) throw new Error('the bench has a server of its own')
  await using distant = await distantServer(server.tcpAddress, delayMs)
  const [tenant] = platform.tenants
  const pool = openDriverPool({
    address: distant.address,
    database: platform.database('isp'),
    max: 1,
    pipeline: true,
    login: { user: namespace.roles.app, password: passwords.app },
  })
  try {
    const statement = 'SELECT 1 AS one'
    const timed = async (work: () => Promise<unknown>) => {
      const [started, before] = [performance.now(), distant.roundTrips()]
      await work()
      return { ms: performance.now() - started, trips: distant.roundTrips() - before }
    }
    const bare = () => timed(() => bareStatement(pool, statement))
    const bound = () =>
      timed(() =>
        withTenant(pool, { id: tenant?.id ?? '', tenancy }, (session) => session.query(statement)),
      )
    await bare()
    await bound()
    const extra: number[] = []
    const trips: number[] = []
    for (let round = 0; round < rounds; round += 1) {
      const early = round % 2 === 0 ? await bare() : null
      const inContext = await bound()
      const alone = early ?? (await bare())
      extra.push((inContext.ms - alone.ms) / (2 * delayMs))
      trips.push(inContext.trips - alone.trips)
    }
    const interval = medianInterval(extra)
    const atMost = 1 + timerShare
    yield {
      title: `withTenant, ${tenancy}: round trips beyond the bare statement`,
      value: interval.middle,
      interval,
      bound: { atMost },
      verdict: boundVerdict(interval, { atMost }),
      note:
        `counted on the line: ${Math.min(...trips)} to ${Math.max(...trips)}; ` +
        `the bound has ${timerShare} for timers`,
    }
  } finally {
    await pool.end()
  }
}

/** As withTenant does it, without the tenant: a client of the pool, one statement. */
async function bareStatement(pool: DriverPool, sql: string): Promise<void> {
  const client = await pool.connect()
  try {
    await client.query(sql)
  } finally {
    client.release()
  }
}

/** By order statistics; the level is at least 0.95 from 6 values on. */
function medianInterval(values: readonly number[]): Interval & { readonly middle: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (rank: number) => sorted[Math.min(sorted.length - 1, Math.max(0, rank))] ?? Number.NaN
  const [centre, half] = [(sorted.length - 1) / 2, (1.96 * Math.sqrt(sorted.length)) / 2]
  return {
    low: at(Math.floor(centre - half)),
    high: at(Math.ceil(centre + half)),
    level: 0.95,
    middle: (at(Math.floor(centre)) + at(Math.ceil(centre))) / 2,
  }
}

async function restoreOf({ rounds, tenantRows }: PlatformBenchOptions): Promise<Bounded> {
  // The first tenant has about twice the average.
  await using platform = await ScratchPlatform.start({
    tenants: 2,
    rows: Math.ceil(tenantRows / 2),
  })
  const target = onOneServer(platform.open.site.address, {
    tenancy: platform.tenancy,
    databases: { management: platform.database('management'), isp: platform.database('isp') },
  })
  const { rows, ratios } = await measureCopyRate(target, {
    tenant: platform.tenants[0]?.id ?? '',
    rounds,
  })
  const interval = medianInterval(ratios)
  const bound = { atLeast: 0.5 }
  return {
    title: 'restore of a tenant: its rate over that of plain COPY',
    value: interval.middle,
    interval,
    bound,
    verdict: boundVerdict(interval, bound),
    note: `${rows} rows in two databases, every proof included`,
  }
}

const overheadBound = { atMost: 1.1 }
const database = 'dotmac_speed'
/** The others are compared by `watertight bench`; here they would eat the time that the bound needs. */
const variants = ['hardened'] as const
/** As many rows as the user asks for, in one statement. */
const buildTimeoutMs = 24 * 3_600_000

/**
 * The gauge of `watertight bench`, at the size that was asked for, with the tables of the ISP database. Both copies
 * fit into the buffers: otherwise whole-tenant reads measure whose pages were evicted.
 */
async function* overheadOf({ rows, overheadMs }: PlatformBenchOptions): AsyncGenerator<Bounded> {
  await using open = await openSite({
    target: null,
    keep: false,
    settings: { shared_buffers: '1GB' },
    plan: planSeed({ seed: 1, tenants: 100, rows: 10 }),
  })
  const {
    address,
    namespace: { roles },
    passwords,
    tenants,
  } = open.site
  await open.admin.query(
    `CREATE DATABASE ${identifier(database)} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`,
  )
  await open.admin.query(secureDatabaseSql(database, roles))
  {
    await using admin = await Session.connect({
      address,
      database,
      pipeline: false,
      statementTimeoutMs: buildTimeoutMs,
    })
    await buildSpeedDatabase(admin, { tenants, roles, rows, variants })
  }
  await using session = await Session.connect({
    address,
    database,
    statementTimeoutMs: 120_000,
    pipeline: false,
    login: { user: roles.app, password: passwords.app },
  })
  const queries = [...overheadQueries, ...seedQueries].flatMap((query) => [
    { ...query, title: `${query.title}, prepared`, prepared: true },
    { ...query, title: `${query.title}, planned anew` },
  ])
  const { measurements, failures } = await measureOverhead(
    { session, tenants, roles, seed: 1, budgetMs: overheadMs, localBackend: true, variants },
    queries,
  )
  if (failures.length > 0) throw new Error(`not everything was measured: ${failures.join('; ')}`)
  for (const { query, variant, ratio, interval, pairs, comparison } of measurements) {
    if (variant === againOf(plain).title) continue
    yield {
      title: `hardened row security, ${query}: time over that of an explicit WHERE`,
      value: ratio,
      interval,
      bound: overheadBound,
      verdict: boundVerdict(interval, overheadBound),
      note: `${rows} rows, ${pairs} pairs, ${comparison}`,
    }
  }
}
