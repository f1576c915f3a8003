/** What /health answers: whether the database answers, and whether isolation was seen to hold a moment ago. */

import type { HealthCheck } from '../health/health-check.ts'
import { isInconclusive } from '../health/health-check.ts'

export interface ServiceHealth {
  /** `down` when the database does not answer or a check found something. */
  readonly status: 'up' | 'down'
  /** Names and results alone: findings name tenants and tables, and the question needs no token. */
  readonly checks: readonly {
    readonly name: string
    /** `unknown` when a check saw nothing that it could judge, or could not run. */
    readonly result: 'ok' | 'failed' | 'unknown'
    readonly checkedAt: string
  }[]
}

export interface ServiceHealthOptions {
  /** Rejects when the database does not answer. Asked at most once a second. */
  readonly reach: () => Promise<unknown>
  /** The seed's checks; absent where the service has no login that may ask, and then they are listed as unknown. */
  readonly isolation?: () => Promise<readonly HealthCheck[]>
  /** Age in ms until which the result of the isolation checks is told again. Default 30,000. */
  readonly maxAgeMs?: number
  /** Ms after which a database that does not answer is down. Default 5,000. */
  readonly timeoutMs?: number
  /** Gets what the checks found and what went wrong, for the operator's log. */
  readonly onFault?: (fault: unknown) => void
}

type Checks = ServiceHealth['checks']

/** Many who ask at once get one answer: nobody can make the database work by asking. Never rejects. */
export function serviceHealth(options: ServiceHealthOptions): () => Promise<ServiceHealth> {
  const { reach, isolation, maxAgeMs = 30_000, timeoutMs = 5_000, onFault } = options
  const reached = remembered(1_000, () =>
    checked('reachable', () => inTime(reach, timeoutMs), onFault),
  )
  const isolated = remembered(maxAgeMs, () => isolationOf(isolation, onFault))
  return async () => {
    const reachable = await reached()
    const checks = [...reachable, ...(reachable.every(isOk) ? await isolated() : [])]
    return { status: checks.some(({ result }) => result === 'failed') ? 'down' : 'up', checks }
  }
}

/** A server that takes connections and says nothing must not keep /health waiting. */
async function inTime(reach: () => Promise<unknown>, timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`The database did not answer within ${timeoutMs} ms`))
    }, timeoutMs)
  })
  try {
    await Promise.race([reach(), late])
  } finally {
    clearTimeout(timer)
  }
}

async function checked(
  name: string,
  work: () => Promise<void>,
  onFault: ServiceHealthOptions['onFault'],
): Promise<Checks> {
  const checkedAt = new Date().toISOString()
  try {
    await work()
    return [{ name, result: 'ok', checkedAt }]
  } catch (error) {
    onFault?.(error)
    return [{ name, result: 'failed', checkedAt }]
  }
}

async function isolationOf(
  isolation: ServiceHealthOptions['isolation'],
  onFault: ServiceHealthOptions['onFault'],
): Promise<Checks> {
  const unknown: Checks = [
    { name: 'isolation', result: 'unknown', checkedAt: new Date().toISOString() },
  ]
  if (isolation === undefined) return unknown
  try {
    const checks = await isolation()
    for (const { name, findings, unjudged } of checks) {
      for (const finding of findings) onFault?.(`${name}: ${finding}`)
      for (const sentence of unjudged) onFault?.(`${name}: not judged: ${sentence}`)
    }
    return checks.length === 0
      ? unknown
      : checks.map((check) => ({
          name: check.name,
          result: check.ok ? 'ok' : isInconclusive(check) ? 'unknown' : 'failed',
          checkedAt: check.checkedAt,
        }))
  } catch (error) {
    onFault?.(error)
    return unknown.map((check) => ({ ...check, result: 'failed' as const }))
  }
}

function isOk({ result }: Checks[number]): boolean {
  return result === 'ok'
}

/** One run at a time; its result is kept for the given time from its end on. */
function remembered(maxAgeMs: number, work: () => Promise<Checks>): () => Promise<Checks> {
  let last: { readonly checks: Promise<Checks>; endedAt: number } | null = null
  return () => {
    if (last !== null && performance.now() - last.endedAt < maxAgeMs) return last.checks
    const run = { checks: work(), endedAt: Number.POSITIVE_INFINITY }
    void run.checks.finally(() => {
      run.endedAt = performance.now()
    })
    last = run
    return run.checks
  }
}
