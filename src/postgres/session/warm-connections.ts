/**
 * Connections that are emptied and lent again instead of being opened anew: a new backend costs more than all that a
 * short run asks of it. Whoever borrows one gets a client of its own, so that nothing which is remembered of the
 * client outlives the loan.
 */

import pg from 'pg'
import { clientConfig, type SessionOptions } from './session.ts'

/** Long enough for an answer that is due; whoever takes longer is ended instead. */
const emptiedWithinMs = 500

export interface Lease {
  /** What `pg.Pool` makes its clients with. */
  readonly Client: new (config?: pg.ClientConfig) => pg.ClientBase
  /** True once a connection was lent that had been used before this lease. */
  readonly isWarm: () => boolean
  /** From now on what is ended is kept; before, an end is an end. */
  readonly over: () => void
  /** A pool ends before its connections have: these have ended or are kept. */
  readonly ended: () => Promise<void>
  /** What an earlier lease kept by `offer`, which makes this one warm; undefined where there is nothing. */
  readonly take: (kind: string) => string | undefined
  /** When this lease has ended, its name is kept for the next one if it could be emptied. */
  readonly offer: (offer: Offer) => void
}

/** A connection that somebody else keeps, and lends by a name: the server connection of a pooler. */
export interface Offer {
  readonly kind: string
  readonly name: string
  readonly empty: () => Promise<boolean>
}

export class WarmConnections implements AsyncDisposable {
  readonly #idle: pg.Client[] = []
  readonly #lost = new WeakSet<pg.Client>()
  readonly #kept = new Map<string, string[]>()

  /** `isFresh`: lends nothing that was used, and keeps nothing. Default false. */
  lease({ isFresh = false } = {}): Lease {
    let isWarm = false
    let isOver = false
    const ending: Promise<unknown>[] = []
    const offers: Offer[] = []
    const lent = (config?: pg.ClientConfig): pg.ClientBase => {
      const used = isFresh ? undefined : this.#takeIdle()
      if (used !== undefined) isWarm = true
      const raw = used ?? this.#make(config)
      const back = () => {
        const end = isOver && !isFresh ? this.#keep(raw) : raw.end()
        ending.push(end.catch(() => undefined))
        return end
      }
      return clientOf(raw, { isConnected: used !== undefined, back })
    }
    return {
      // A constructor may give back another object than its own.
      Client: function Lent(config?: pg.ClientConfig) {
        return lent(config)
      } as unknown as Lease['Client'],
      isWarm: () => isWarm,
      over: () => {
        isOver = true
      },
      ended: async () => {
        await Promise.all(ending)
        await Promise.all(offers.splice(0).map((offer) => this.#keepName(offer)))
      },
      take: (kind) => {
        const name = isFresh ? undefined : this.#kept.get(kind)?.pop()
        if (name !== undefined) isWarm = true
        return name
      },
      offer: (offer) => {
        if (!isFresh) offers.push(offer)
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#idle.splice(0).map((raw) => raw.end().catch(() => undefined)))
  }

  async #keepName({ kind, name, empty }: Offer): Promise<void> {
    if (!(await within(empty()))) return
    const kept = this.#kept.get(kind) ?? []
    this.#kept.set(kind, kept)
    kept.push(name)
  }

  #takeIdle(): pg.Client | undefined {
    for (let raw = this.#idle.pop(); raw !== undefined; raw = this.#idle.pop()) {
      if (!this.#lost.has(raw)) return raw
    }
    return undefined
  }

  #make(config?: pg.ClientConfig): pg.Client {
    const raw = new pg.Client(config)
    this.#watch(raw)
    return raw
  }

  #watch(raw: pg.Client): void {
    const lose = () => this.#lost.add(raw)
    raw.on('error', lose)
    raw.on('end', lose)
  }

  /** Everything that a session can carry goes with DISCARD ALL; what the driver knows of it goes with it. */
  async #keep(raw: pg.Client): Promise<void> {
    raw.removeAllListeners()
    this.#watch(raw)
    const isIdle = (raw as unknown as { readonly readyForQuery: boolean }).readyForQuery
    if (isIdle && !this.#lost.has(raw) && (await isEmptied(raw)) && !this.#lost.has(raw)) {
      forget(raw)
      this.#idle.push(raw)
    } else {
      await raw.end()
    }
  }
}

/** Empties the server connection behind a pooler's name: between transactions any client of it reaches that one. */
export async function discardAll(options: SessionOptions): Promise<boolean> {
  const client = new pg.Client(clientConfig({ pipeline: false, ...options }))
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('DISCARD ALL')
    return true
  } finally {
    await client.end()
  }
}

function isEmptied(raw: pg.Client): Promise<boolean> {
  return within(
    raw
      .query('ROLLBACK')
      .then(() => raw.query('DISCARD ALL'))
      .then(() => true),
  )
}

/** False when it fails or takes too long. */
async function within(emptied: Promise<boolean>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => {
      resolve(false)
    }, emptiedWithinMs)
  })
  try {
    return await Promise.race([emptied.catch(() => false), late])
  } finally {
    clearTimeout(timer)
  }
}

/** What the driver remembers of the session, and how a borrower told it to send. */
function forget(raw: pg.Client): void {
  const { connection } = raw as unknown as { readonly connection: Record<string, unknown> }
  Object.assign(connection, { parsedStatements: {}, submittedNamedStatements: {} })
  Object.assign(raw, { pipeline: false })
}

interface Loan {
  readonly isConnected: boolean
  readonly back: () => Promise<void>
}

type Done = ((error?: Error) => void) | undefined

/** What is set on it stays with it; what is asked of it is asked of the connection. */
function clientOf(raw: pg.Client, { isConnected, back }: Loan): pg.ClientBase {
  const connect = (done: Done) => {
    process.nextTick(() => done?.())
  }
  let isBack = false
  const end = (done: Done) => {
    isBack = true
    const ended = back()
    if (done === undefined) return ended
    ended.then(
      () => {
        done()
      },
      (error: unknown) => {
        done(error as Error)
      },
    )
    return undefined
  }
  // Work that was not awaited may ask after the end: it must not reach whoever is lent the connection next.
  const query = (...args: readonly unknown[]): unknown => {
    if (!isBack)
      return (raw.query as (...given: readonly unknown[]) => unknown).apply(raw, [...args])
    const error = new Error('Client was closed and is not queryable')
    const done = args.at(-1)
    if (typeof done !== 'function') return Promise.reject(error)
    ;(done as (failure: Error) => void)(error)
    return undefined
  }
  const own = new Map<PropertyKey, unknown>([
    ['end', end],
    ['query', query],
    ...(isConnected ? [['connect', connect] as const] : []),
  ])
  return new Proxy(raw, {
    get: (target, key) => {
      if (own.has(key)) return own.get(key)
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
    set: (target, key, value) => {
      // What is the driver's own, as whether it pipelines, is the connection's.
      if (own.has(key) || !(key in target)) own.set(key, value)
      else Reflect.set(target, key, value, target)
      return true
    },
    has: (target, key) => own.has(key) || key in target,
    deleteProperty: (_, key) => {
      own.delete(key)
      return true
    },
  })
}
