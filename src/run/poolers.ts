/** The poolers of a run: the driver's own, and a pgbouncer of ours when one is installed. */

import { ToolBox } from '../probe/tools.ts'
import { matrixServers, poolerRigs } from '../requests/tools.ts'
import { messageOf } from '../errors.ts'
import type { Coverage } from '../model/report.ts'
import { driverPool, pgbouncerRig, type PoolerRig } from '../requests/pooler.ts'
import {
  fetchedPgbouncer,
  findPgbouncer,
  startPgbouncer,
  type Pgbouncer,
  type PgbouncerBinary,
} from '../postgres/programs/pgbouncer.ts'
import { MatrixServers } from '../requests/pool-matrix/servers.ts'
import type { Site } from '../reference/site/provision.ts'

/** Names of one database; a sequence takes one that nobody used or whose server connection was emptied. */
const aliasesPerDatabase = 400

export interface Poolers extends AsyncDisposable {
  readonly rigs: readonly PoolerRig[]
  /** pgbouncers of the pool matrix; null when none was found. */
  readonly matrix: MatrixServers | null
  readonly coverage: Coverage['poolers']
}

export interface PoolersOptions {
  /** Path that the settings ask for; null takes one that is found. */
  readonly path: string | null
  /** Database through which its readiness is proven, before the others exist. */
  readonly through: string
  /** Databases that will be reached through it. */
  readonly databases: readonly string[]
}

const hint =
  'Install pgbouncer (apt-get install pgbouncer, brew install pgbouncer) or name one with --pgbouncer'
const driverCoverage = {
  title: driverPool.title,
  tested: true,
  reason: 'two connections, new or emptied for every sequence',
  hint: null,
}

/** The pgbouncer of the run, and the newer one that scripts/fetch-pgbouncer.mjs has put into the cache. */
async function matrixBinaries(found: PgbouncerBinary): Promise<readonly PgbouncerBinary[]> {
  const fetched = await fetchedPgbouncer()
  return fetched === null || fetched.version === found.version ? [found] : [found, fetched]
}

/**
 * A pooler that is found and does not start is shown as not tested.
 * @throws WatertightError when the settings name it: then it must be tested.
 */
export async function openPoolers(
  site: Site,
  { path, databases, through }: PoolersOptions,
): Promise<Poolers> {
  const title = 'pgbouncer transaction'
  try {
    const binary = await findPgbouncer(path ?? undefined)
    if (binary === null) return withoutPgbouncer(title, 'no pgbouncer was found')
    const aliases = new Map(
      databases.flatMap((database, index) =>
        Array.from(
          { length: aliasesPerDatabase },
          (_, number) => [`d${index}_${number}`, database] as const,
        ),
      ),
    )
    const pgbouncer = await startPgbouncer({
      binary,
      server: site.address,
      database: through,
      poolMode: 'transaction',
      poolSize: 1,
      aliases,
      users: [{ name: site.namespace.roles.app, password: site.passwords.app }],
      settings: { server_idle_timeout: '1', query_wait_timeout: '10' },
    })
    const matrix = new MatrixServers({
      binaries: await matrixBinaries(binary),
      server: site.address,
      through,
      databases,
      user: { name: site.namespace.roles.app, password: site.passwords.app },
    })
    return withPgbouncer(pgbouncer, `${title}`, { version: binary.version, databases, matrix })
  } catch (error) {
    if (path !== null) throw error
    return withoutPgbouncer(title, messageOf(error).split('\n')[0] ?? 'it could not be started')
  }
}

function withPgbouncer(
  pgbouncer: Pgbouncer,
  title: string,
  {
    version,
    databases,
    matrix,
  }: {
    readonly version: string
    readonly databases: readonly string[]
    readonly matrix: MatrixServers
  },
): Poolers {
  const aliasesOf = (database: string) => {
    const index = databases.indexOf(database)
    return Array.from({ length: aliasesPerDatabase }, (_, number) => `d${index}_${number}`)
  }
  return {
    rigs: [
      driverPool,
      pgbouncerRig({
        title,
        address: pgbouncer.address,
        aliasesOf: (world) => aliasesOf(world.database),
      }),
    ],
    coverage: [
      driverCoverage,
      { title, tested: true, reason: `pgbouncer ${version}, one server connection`, hint: null },
    ],
    matrix,
    [Symbol.asyncDispose]: async () => {
      await matrix[Symbol.asyncDispose]()
      await pgbouncer.stop()
    },
  }
}

function withoutPgbouncer(title: string, reason: string): Poolers {
  return {
    rigs: [driverPool],
    matrix: null,
    coverage: [driverCoverage, { title, tested: false, reason, hint }],
    [Symbol.asyncDispose]: async () => {},
  }
}

/** The poolers as tools of a search. */
export function toolsOf({ rigs, matrix }: Pick<Poolers, 'rigs' | 'matrix'>): ToolBox {
  const tools = new ToolBox().with(poolerRigs, rigs)
  return matrix === null ? tools : tools.with(matrixServers, matrix)
}
