/** Blocks of statements of one variant: tinybench keeps the time of each, the kernel the backend's CPU time. */

import { readFileSync } from 'node:fs'
import { Bench } from 'tinybench'
import type { Observation } from '../model/observation.ts'
import type { Tenant } from '../model/tenant.ts'
import type { Session } from '../postgres/session/session.ts'
import type { Variant } from './variant.ts'

export interface TimedQuery {
  readonly title: string
  /** Statement number `n`; rotates rows so that no single one stays cached. */
  sql(variant: Variant, tenant: Tenant, n: number): string
  /** Runs in a transaction that is rolled back. */
  readonly writes: boolean
  /** Planned before it is timed, as for an application with prepared statements. Default false. */
  readonly prepared?: boolean
  /** Where the number of rows is read from, when it is not the number of rows: a column of the answer. */
  readonly rowsIn?: string
}

export interface Block {
  /** Median wall time of a statement in ms: one statement that the machine held up does not speak for ten. */
  readonly ms: number
  /** Mean CPU time of the backend for a statement in ns, null where /proc is not this machine's. */
  readonly cpuNs: number | null
  /** Wall times in ms, ascending. */
  readonly samples: readonly number[]
  /** Rows of each statement, in the order in which they were asked. */
  readonly rows: readonly number[]
}

export interface SamplerOptions {
  readonly session: Session
  /** True when the backend's /proc is this machine's. */
  readonly localBackend: boolean
  /** Statements in a block. */
  readonly size: number
}

/** Takes the block of a tenant whose first statement has the number `first`. @throws when a statement fails. */
export type Sampler = (tenant: Tenant, first: number) => Promise<Block>

/**
 * Everything but the statements themselves is outside the timed part: the switch into the variant,
 * the transaction around writes, building the SQL. Statements go one after the other in the simple
 * protocol, so that each is parsed and planned, policies included, as it is for an application
 * without prepared statements; for one with them only their execution is.
 */
export function samplerOf(query: TimedQuery, variant: Variant, options: SamplerOptions): Sampler {
  const { session, size } = options
  let statements: readonly string[] = []
  let entry = ''
  let asked: Observation[] = []
  let cpuBefore: number | null = null
  let cpuAfter: number | null = null
  const bench = new Bench({
    iterations: size,
    time: 0,
    warmup: false,
    retainSamples: true,
    throws: true,
    timestampProvider: 'hrtimeNow',
  })
  bench.add(
    variant.title,
    async () => {
      asked.push(await session.observe({ sql: statements[asked.length] ?? '', role: 'proof' }))
    },
    {
      async: true,
      beforeAll: async () => {
        await session.query(entry)
        if (query.writes) await session.query('BEGIN')
        if (query.prepared === true) statements = await prepared(session, statements)
        cpuBefore = cpuNsOf(options)
      },
      afterAll: async () => {
        cpuAfter = cpuNsOf(options)
        if (query.writes) await session.query('ROLLBACK')
        if (query.prepared === true) await session.query('DEALLOCATE ALL')
      },
    },
  )
  return async (tenant, first) => {
    entry = variant.enter(tenant)
    statements = Array.from({ length: size }, (_, index) =>
      query.sql(variant, tenant, first + index),
    )
    asked = []
    bench.reset()
    const [task] = await bench.run()
    const rows = asked.map((seen) => rowsOf(query, seen))
    const result = task?.result
    if (result?.state !== 'completed') throw new Error(`no samples were taken of ${query.title}`)
    const samples = result.latency.samples ?? []
    return {
      ms: result.latency.p50,
      samples,
      rows,
      cpuNs: cpuBefore === null || cpuAfter === null ? null : (cpuAfter - cpuBefore) / size,
    }
  }
}

/** EXECUTEs in their place; EXPLAIN makes the plan, which is kept, because there are no parameters. */
async function prepared(
  session: Session,
  statements: readonly string[],
): Promise<readonly string[]> {
  const executes: string[] = []
  for (const [index, sql] of statements.entries()) {
    const name = `watertight_${index}`
    await session.query(`PREPARE ${name} AS ${sql}; EXPLAIN EXECUTE ${name}`)
    executes.push(`EXECUTE ${name}`)
  }
  return executes
}

/** Nanoseconds on a processor, from the scheduler's own account of the backend. */
function cpuNsOf({ session, localBackend }: SamplerOptions): number | null {
  if (!localBackend || session.backendPid === null) return null
  try {
    return Number(readFileSync(`/proc/${session.backendPid}/schedstat`, 'utf8').split(' ')[0])
  } catch {
    // No such account on this kernel, or a container hides it: wall time is measured all the same.
    return null
  }
}

function rowsOf({ rowsIn }: TimedQuery, seen: Observation): number {
  if (seen.kind !== 'rows') throw new Error(seen.message)
  if (rowsIn !== undefined) return Number(seen.rows[0]?.[rowsIn])
  return seen.affected ?? seen.rows.length
}
