/** The engine's own speed: verified attempts a second beside the ceiling and the naive form, interleaved. */

import { cpus } from 'node:os'
import type { Statement } from '../model/observation.ts'
import type { WorldId } from '../model/tenancy.ts'
import { awaited, barePipelined, pgbench } from '../postgres/session/engine-contenders.ts'
import { clientOptionsOf, type World } from '../world/world.ts'
import { foreignRows } from '../attack/witness.ts'
import { planSeed } from '../reference/seed/plan.ts'
import { openSite } from '../reference/site/open-site.ts'
import { createWorldDatabase } from '../reference/site/provision.ts'
import { databaseName } from '../reference/site/namespace.ts'
import { openWorld } from '../reference/site/worlds.ts'

const attemptsPerRound = 2_000
/** What a cell begins at a time before it judges: its fixed and its random cases. */
const attemptsAhead = 23

interface Kind {
  readonly title: string
  readonly sql: string
}

/** Lines of text as they become known; needs nothing but the embedded server. */
export async function* benchEngine({
  rounds,
}: {
  readonly rounds: number
}): AsyncGenerator<string> {
  const plan = planSeed({ seed: 42, tenants: 12, rows: 400 })
  await using open = await openSite({ target: null, plan, keep: false })
  const id: WorldId = { service: 'isp', tenancy: 'row-level-security', variant: 'hardened' }
  open.databases.add(databaseName(open.site.namespace, id))
  await createWorldDatabase(open.site, open.admin, id)
  await using world = await openWorld(open.site, { id, statementTimeoutMs: 10_000 })
  yield (
    `PostgreSQL ${open.serverVersion}, node ${process.version}, ${cpus().length} cpus, ` +
    `${rounds} interleaved rounds of ${attemptsPerRound} attempts on one connection`
  )
  yield 'kind              engine/s  bare driver/s  naive/s  pgbench/s   engine/bare          engine/naive'
  for (const kind of kindsOf(world)) yield await compare(world, kind, rounds)
}

function kindsOf(world: World): readonly Kind[] {
  const victim = world.tenants[1]
  const sample = world.objects
    .find(({ name }) => name === 'isp_customers')
    ?.samplesOf(victim?.id ?? '')[0]
  return [
    {
      title: 'SELECT by key',
      sql: `SELECT id, tenant_id, email FROM public.isp_customers WHERE id = '${String(sample?.['id'])}'`,
    },
    { title: 'count', sql: 'SELECT count(*) AS n FROM public.isp_network_devices' },
    {
      title: 'DELETE by key',
      sql: `DELETE FROM public.isp_network_links WHERE id = '${String(sample?.['id'])}'`,
    },
  ]
}

async function compare(world: World, kind: Kind, rounds: number): Promise<string> {
  const [tenant] = world.tenants
  if (tenant === undefined) throw new Error('the world has no tenant')
  const enter = world.context.enter(tenant)
  const options = clientOptionsOf(world)
  const script = [['BEGIN', ...enter].join('; '), kind.sql, 'ROLLBACK']
  const each = ['BEGIN', ...enter, kind.sql, 'COMMIT']
  const rates = { engine: [] as number[], bare: [] as number[], naive: [] as number[] }
  for (let round = 0; round < rounds; round += 1) {
    rates.engine.push(await rate(() => verified(world, kind.sql, attemptsPerRound)))
    rates.bare.push(await rate(() => barePipelined(options, script, attemptsPerRound)))
    rates.naive.push(await rate(() => awaited(options, each, attemptsPerRound)))
  }
  const bench = await pgbench({ ...options.address, ...options.login }, options.database, each)
  const ratios = (other: readonly number[]) =>
    spread(rates.engine.map((value, index) => value / (other[index] ?? 1)))
  return [
    kind.title.padEnd(16),
    ...[rates.engine, rates.bare, rates.naive].map((list) => median(list).toFixed(0).padStart(9)),
    (bench === null ? 'not found' : bench.toFixed(0)).padStart(10),
    `  ${ratios(rates.bare)}`,
    `  ${ratios(rates.naive)}`,
  ].join(' ')
}

/** As a cell does: attempts begun ahead, each judged when it is answered. */
async function verified(world: World, sql: string, attempts: number): Promise<void> {
  const [tenant] = world.tenants
  if (tenant === undefined) return
  const statements: readonly Statement[] = [...world.enter(tenant), { sql, role: 'attack' }]
  for (let done = 0; done < attempts; done += attemptsAhead) {
    const begun = Array.from({ length: Math.min(attemptsAhead, attempts - done) }, () =>
      world.attempt(statements),
    )
    for (const attempt of begun) {
      const witness = foreignRows(await attempt, {
        world,
        attacker: tenant.id,
        object: 'the table',
        verb: 'reads',
        command: 'bench',
        tenantColumn: 'tenant_id',
      })
      if (witness !== null)
        throw new Error(`the engine found a leak while it was measured: ${witness.sentence}`)
    }
  }
}

async function rate(work: () => Promise<void>): Promise<number> {
  const startedMs = performance.now()
  await work()
  return attemptsPerRound / ((performance.now() - startedMs) / 1_000)
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

/** Median and range of the rounds. */
function spread(values: readonly number[]): string {
  return `${median(values).toFixed(2)} (${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)})`
}
