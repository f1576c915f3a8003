/** One cell of the pool matrix on a real pooler: a tenant's request, then one that binds nothing. */

import { sqlstateOf } from '../../errors.ts'
import type { Tenant } from '../../model/tenant.ts'
import { inOneWrite, RecordedPool } from '../../postgres/session/recorded-pool.ts'
import type { ServerAddress } from '../../postgres/session/server-address.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { clientOptionsOf, type World } from '../../world/world.ts'
import type { PoolCell } from './cells.ts'
import { clashes } from './named-rules.ts'
import type { PoolOutcome } from './rules.ts'

export interface Measured {
  readonly outcome: PoolOutcome
  /** True when both requests were served by one backend; null when one of them learnt no backend. */
  readonly shared: boolean | null
  /** Backends that served the two requests, as far as they were learnt. */
  readonly pids: readonly number[]
  /** SQLSTATEs of statements that were refused, in order. */
  readonly refusals: readonly string[]
  /** SQLSTATE with which the next request was refused its named statement; null when it was answered. */
  readonly again: string | null | undefined
  readonly log: RecordedPool['log']
}

export interface Place {
  readonly world: World
  readonly tenant: Tenant
  readonly address: ServerAddress
  readonly database: string
  /** Names the tenant's canary under any context; unqualified where a search_path must find it. */
  readonly probeSql: string
}

type Rows = readonly Record<string, unknown>[]
interface Named {
  readonly name: string
  readonly text: string
}
interface Client {
  query(sql: string | Named): Promise<{ rows: Rows }>
  release(destroy?: boolean): void
}
interface Seen {
  readonly pid: number | null
  readonly own: boolean
}

export async function measure(cell: PoolCell, place: Place): Promise<Measured> {
  const { world, address } = place
  const options =
    cell.binding.scope === 'connection'
      ? { options: `-c app.current_tenant_id=${place.tenant.id}` }
      : {}
  await using pool = new RecordedPool({
    address: { ...address, ...options },
    database: place.database,
    login: clientOptionsOf(world).login,
    max: 1,
    pipeline: cell.ending === 'pipelined',
    ...(cell.setup.kind === 'pg pool' ? {} : { maxUses: 1 }),
  })
  const request = new PoolRequest(cell, place)
  const first = await request.serve((await pool.pool.connect()) as unknown as Client)
  const next = await request.follow((await pool.pool.connect()) as unknown as Client)
  const { refusals, again } = request
  const shared = first.pid === null || next.pid === null ? null : first.pid === next.pid
  return {
    outcome: next.own ? 'leaks' : !first.own ? 'no effect' : clashes(again) ? 'refused' : 'safe',
    shared,
    refusals,
    again,
    log: pool.log,
    pids: [first.pid, next.pid].filter((pid) => pid !== null),
  }
}

class PoolRequest {
  readonly refusals: string[] = []
  /** Of the named statement, asked by the request that follows. */
  again: string | null | undefined
  readonly #cell: PoolCell
  readonly #place: Place

  constructor(cell: PoolCell, place: Place) {
    this.#cell = cell
    this.#place = place
  }

  /** The tenant's request, from the binding to the release. */
  async serve(client: Client): Promise<Seen> {
    const { binding, ending, setup } = this.#cell
    const outside = binding.scope === 'session' || binding.scope === 'statement'
    const bind = bindSql(this.#cell, this.#place.tenant)
    // Statement pooling allows no transaction block: whoever uses it binds and asks without one.
    const block = this.#hasBlock() ? ['BEGIN'] : []
    const before = [...(outside ? bind : []), ...block, ...(outside ? [] : bind)]
    const look = this.#place.probeSql
    let seen: Seen
    try {
      if (ending === 'pipelined') {
        const all = [...before, look, ...(this.#hasBlock() ? ['COMMIT'] : [])]
        const answers = inOneWrite(client, () => all.map((sql) => this.#ask(client, sql)))
        seen = this.#seenIn((await answers[before.length]) ?? null)
        await Promise.all(answers)
      } else {
        for (const sql of before) await this.#ask(client, sql)
        seen = await this.#learn(client, this.#seenIn(await this.#ask(client, look)))
        if (ending === 'named statement') {
          const named = this.#seenIn(await this.#ask(client, this.#named()))
          seen = { pid: seen.pid, own: seen.own && named.own }
        }
        await this.#end(client, seen)
      }
      if (setup.onRelease === 'RESET ALL' || setup.onRelease === 'DISCARD ALL')
        await this.#ask(client, setup.onRelease)
    } finally {
      client.release(setup.onRelease === 'end')
    }
    return seen
  }

  /** The next request binds nothing: it looks for rows, and for a cursor or a statement that was left behind. */
  async follow(client: Client): Promise<Seen> {
    try {
      const seen = await this.#learn(
        client,
        this.#seenIn(await this.#ask(client, this.#place.probeSql, true)),
      )
      if (this.#cell.ending === 'named statement') {
        const again = this.#seenIn(await this.#askAgain(client))
        return { pid: seen.pid, own: seen.own || again.own }
      }
      if (seen.own || this.#cell.ending !== 'cursor') return seen
      const left = this.#seenIn(await this.#ask(client, 'FETCH 5 FROM watertight_left', true))
      return { pid: seen.pid, own: left.own }
    } finally {
      client.release(true)
    }
  }

  async #end(client: Client, { pid }: Seen): Promise<void> {
    const look = this.#place.probeSql
    const steps: Readonly<Record<PoolCell['ending'], readonly string[]>> = {
      commit: ['COMMIT'],
      rollback: ['ROLLBACK'],
      error: ['SELECT 1/0', 'ROLLBACK'],
      cancel: ['ROLLBACK'],
      pipelined: [],
      cursor: [`DECLARE watertight_left CURSOR WITH HOLD FOR ${look}`, 'COMMIT'],
      prepared: [
        `PREPARE watertight_left AS ${look}`,
        'EXECUTE watertight_left',
        'COMMIT',
        'DEALLOCATE watertight_left',
      ],
      'named statement': ['COMMIT'],
    }
    if (this.#cell.ending === 'cancel' && pid !== null) {
      const sleeping = this.#ask(client, 'SELECT pg_sleep(5)')
      await this.#place.world.admin.query(`SELECT pg_sleep(0.02), pg_cancel_backend(${pid})`)
      await sleeping
    }
    const all = steps[this.#cell.ending]
    for (const sql of this.#hasBlock()
      ? all
      : all.filter((each) => !/^(COMMIT|ROLLBACK)$/.test(each))) {
      await this.#ask(client, sql)
    }
  }

  #hasBlock(): boolean {
    const { setup, binding } = this.#cell
    return setup.kind !== 'pgbouncer statement' || binding.scope === 'transaction'
  }

  /** A refused look tells no backend, so it is asked for; inside an aborted transaction nobody answers. */
  async #learn(client: Client, seen: Seen): Promise<Seen> {
    if (seen.pid !== null) return seen
    const answer = await this.#ask(client, 'SELECT pg_backend_pid() AS pid', true)
    return { ...seen, pid: answer === null ? null : Number(answer[0]?.['pid']) }
  }

  /** The same text under the same name in both requests; the comment is what a transcript shows of the name. */
  #named(): Named {
    return {
      name: 'watertight_named',
      text: `/* Parse, named watertight_named */ ${this.#place.probeSql}`,
    }
  }

  async #askAgain(client: Client): Promise<Rows | null> {
    try {
      const { rows } = await client.query(this.#named())
      this.again = null
      return rows
    } catch (error) {
      this.again = sqlstateOf(error) ?? 'lost'
      return null
    }
  }

  /** Null when the server, or the pooler, said no. A request that binds nothing may be refused: that is no fault. */
  async #ask(client: Client, sql: string | Named, quietly = false): Promise<Rows | null> {
    try {
      return (await client.query(sql)).rows
    } catch (error) {
      if (!quietly) this.refusals.push(sqlstateOf(error) ?? 'lost')
      return null
    }
  }

  #seenIn(rows: Rows | null): Seen {
    const { world, tenant } = this.#place
    const pid = Number(rows?.[0]?.['pid'])
    const own = (rows ?? []).some((row) =>
      world.ownership
        .ownersIn(row as Record<string, string>, { tenantColumn: 'tenant_id' })
        .has(tenant.id),
    )
    return { pid: Number.isInteger(pid) && pid > 0 ? pid : null, own }
  }
}

/** Statements that bind the tenant; start-up options were given with the connection. */
function bindSql({ binding }: PoolCell, { id, schema, role }: Tenant): readonly string[] {
  const local = binding.scope === 'transaction' || binding.scope === 'statement'
  if (binding.scope === 'connection') return []
  if (binding.title.startsWith('set_config')) {
    return [`SELECT set_config('app.current_tenant_id', ${literal(id)}, ${String(local)})`]
  }
  const set = local ? 'SET LOCAL' : 'SET'
  if (binding.sets === 'role') return [`${set} ROLE ${identifier(role)}`]
  if (binding.sets === 'search_path') return [`${set} search_path = ${identifier(schema)}`]
  return [`${set} app.current_tenant_id = ${literal(id)}`]
}
