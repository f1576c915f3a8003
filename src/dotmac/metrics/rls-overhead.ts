/** The seed's "RLS Performance": what the policies of a table cost, measured on the live database. */

import { WatertightError } from '../../errors.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'

export interface OverheadQuestion {
  readonly table: string
  /** Whose rows are counted; a tenant with many rows tells more. */
  readonly tenant: string
  /** The application's role, which the policies bind. */
  readonly app: string
  /** Pairs of measurements, 9 to 1,000. Default 31. */
  readonly pairs?: number
}

export interface Overhead {
  /** Above 1 the policies cost time. Median of the pairs. */
  readonly ratio: number
  /** 95 % interval of the median by order statistics. */
  readonly low: number
  readonly high: number
  readonly rows: number
}

/**
 * Planning and execution time, by the server's clock, of a count under the policies against the same count with an
 * explicit WHERE that row security is not asked about: interleaved, in one read-only transaction. The session must
 * bypass row security. https://www.postgresql.org/docs/current/sql-explain.html
 * @throws WatertightError WATERTIGHT_OVERHEAD when the two counts differ: then the policies are not what is measured.
 */
export async function measureRlsOverhead(
  session: Session,
  question: OverheadQuestion,
): Promise<Overhead> {
  const { table, tenant, app, pairs = 31 } = question
  if (!Number.isInteger(pairs) || pairs < 9 || pairs > 1000) {
    throw overheadError(`${pairs} pairs are asked for`, 'Give 9 to 1,000')
  }
  const name = identifier(table)
  const count = `SELECT count(*) AS n FROM public.${name}`
  const explicit = `${count} WHERE tenant_id = ${literal(tenant)}`
  const asApplication = async <T>(work: () => Promise<T>) => {
    await session.query(`SET LOCAL ROLE ${identifier(app)}`)
    const value = await work()
    await session.query('RESET ROLE')
    return value
  }
  await session.query('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY')
  try {
    await session.query(`SELECT set_config('app.current_tenant_id', ${literal(tenant)}, true)`)
    const [seen, there] = [
      await asApplication(() => countOf(session, count)),
      await countOf(session, explicit),
    ]
    if (seen !== there)
      throw overheadError(`${app} sees ${seen} of ${there} rows`, 'Look at dotmac health')
    const ratios: number[] = []
    for (let pair = 0; pair < pairs; pair += 1) {
      const early = pair % 2 === 0 ? await timeOf(session, explicit) : null
      const guarded = await asApplication(() => timeOf(session, count))
      ratios.push(guarded / (early ?? (await timeOf(session, explicit))))
    }
    if (!ratios.every(Number.isFinite))
      throw overheadError('the server told no time', 'Measure a larger table')
    return { rows: there, ...medianOf(ratios) }
  } finally {
    await session.query('ROLLBACK')
  }
}

async function countOf(session: Session, sql: string): Promise<number> {
  const [row] = await session.query(sql)
  return Number(row?.['n'])
}

/** Milliseconds. */
async function timeOf(session: Session, sql: string): Promise<number> {
  const [row] = await session.query(`EXPLAIN (ANALYZE, TIMING OFF, SUMMARY ON, FORMAT JSON) ${sql}`)
  const plans: unknown = JSON.parse(String(row?.['QUERY PLAN']))
  const { 'Planning Time': planning, 'Execution Time': execution } =
    (plans as readonly Readonly<Record<string, number>>[])[0] ?? {}
  return (planning ?? Number.NaN) + (execution ?? Number.NaN)
}

/** The ranks between which the median lies with 95 %: https://en.wikipedia.org/wiki/Median#Confidence_interval */
function medianOf(values: readonly number[]): Pick<Overhead, 'ratio' | 'low' | 'high'> {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (rank: number) => sorted[Math.min(sorted.length - 1, Math.max(0, rank))] ?? Number.NaN
  const half = (1.96 * Math.sqrt(sorted.length)) / 2
  const middle = (sorted.length - 1) / 2
  return {
    ratio: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    low: at(Math.floor(middle - half)),
    high: at(Math.ceil(middle + half)),
  }
}

function overheadError(what: string, hint: string): WatertightError {
  const message = `The overhead of the policies cannot be measured: ${what}`
  return new WatertightError('WATERTIGHT_OVERHEAD', message, { hint })
}
