/**
 * What requests changed in a database that is ours alone. The service commits, so nothing can be rolled back:
 * triggers write down each row that was written and whose it is, and the log is undone, newest line first.
 */

import { relationKey } from '../../model/catalog.ts'
import type { Row } from '../../model/observation.ts'
import type { TenantId } from '../../model/tenant.ts'
import { literal, qualified } from '../../sql/identifier.ts'
import { Session } from '../../postgres/session/session.ts'
import { readGroups, type Groups } from '../../world/row-groups.ts'
import { changesOf, type Change } from '../../world/write-oracle.ts'
import type { World } from '../../world/world.ts'
import { installSql, savedName, schema, watchSql, type ScratchTable } from './scratch-log.ts'

/** Of a table: who had the rows that were written, before or after; null where a row says nobody. */
interface Touched extends ScratchTable {
  readonly owners: readonly (string | null)[]
}

/** Tables that were written, how many lines there are of it, and whether each line names its row. */
interface Log {
  readonly touched: readonly Touched[]
  readonly isShort: boolean
}

/** Undoing looks for each row in its table; more lines than this, and the copies are the shorter way. */
const undoneMax = 60

const touchedSql = `SELECT DISTINCT coalesce(t.relid, w.relation)::oid AS oid, w.owner,
    (SELECT count(*) <= ${undoneMax} AND bool_and(before IS NOT NULL OR after IS NOT NULL)
      FROM ${schema}.written) AS short
  FROM (SELECT relation, unnest(CASE WHEN before IS NULL AND after IS NULL THEN ARRAY[NULL]
      ELSE owners END) AS owner, before IS NULL AND after IS NULL AS emptied FROM ${schema}.written) w
    LEFT JOIN LATERAL pg_catalog.pg_partition_tree(w.relation) t ON w.emptied`

export class ScratchRows implements AsyncDisposable {
  readonly #world: World
  readonly #session: Session
  readonly #tables: readonly ScratchTable[]
  readonly #before = new Map<string, Groups>()
  readonly #beginnings = new Map<string, Promise<readonly Row[]>>()

  private constructor(world: World, session: Session, tables: readonly ScratchTable[]) {
    this.#world = world
    this.#session = session
    this.#tables = tables
  }

  /** The database is a copy of the world's, or its own when nobody else uses it; it gets triggers and copies. */
  static async open(world: World, database: string): Promise<ScratchRows> {
    const { address } = world.options
    const session = await Session.connect({ address, database, statementTimeoutMs: 60_000 })
    try {
      const tables = await tablesIn(session, world)
      // They are there already when the connection before was lost.
      const [known] = await session.query(
        `SELECT 1 AS found WHERE to_regnamespace('${schema}') IS NOT NULL`,
      )
      const install = [installSql, ...tables.map(watchSql)].join('; ')
      if (known === undefined) await session.query(`BEGIN; ${install}; COMMIT`)
      return new ScratchRows(world, session, tables)
    } catch (error) {
      await session[Symbol.asyncDispose]()
      throw error
    }
  }

  get lost(): boolean {
    return this.#session.lost !== null
  }

  /** Rows that the admin sees now, for what a probe looks for in particular. */
  query(sql: string): ReturnType<Session['query']> {
    return this.#session.query(sql)
  }

  /** What it answers on the rows of the beginning; they must be there when it is first asked. */
  atFirst(sql: string): Promise<readonly Row[]> {
    const known = this.#beginnings.get(sql) ?? this.query(sql)
    this.#beginnings.set(sql, known)
    return known
  }

  /** Rows of others that are not what they were at the beginning, where they are again afterwards. */
  async changesFor(attacker: TenantId): Promise<readonly Change[]> {
    const log = await this.#log()
    const foreign = log.touched.filter((table) => this.#concernsOthers(table, attacker))
    const after = await this.#groups(foreign)
    await this.#bringBack(log)
    const missing = foreign.filter(({ relation }) => !this.#before.has(relationKey(relation)))
    for (const [key, groups] of await this.#groups(missing)) this.#before.set(key, groups)
    return changesOf(this.#before, after, attacker)
  }

  /** All tables are as they were at the beginning. */
  async restore(): Promise<void> {
    await this.#bringBack(await this.#log())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]()
  }

  /** A partitioned table that was emptied stands for its partitions, which held the rows. */
  async #log(): Promise<Log> {
    const rows = await this.#session.query(touchedSql)
    const owners = new Map<number, (string | null)[]>()
    for (const { oid, owner } of rows) {
      const found = owners.get(Number(oid)) ?? []
      owners.set(Number(oid), [...found, typeof owner === 'string' ? owner : null])
    }
    const touched = this.#tables.flatMap((table): Touched[] => {
      const found = owners.get(table.oid)
      return found === undefined ? [] : [{ ...table, owners: found }]
    })
    return { touched, isShort: rows.every(({ short }) => short === 't') }
  }

  #concernsOthers({ relation, owners }: Touched, attacker: TenantId): boolean {
    const place = this.#world.ownership.ownerByPlace(relation)
    return place === null ? owners.some((owner) => owner !== attacker) : place !== attacker
  }

  async #groups(tables: readonly ScratchTable[]): Promise<ReadonlyMap<string, Groups>> {
    if (tables.length === 0) return new Map()
    const relations = tables.map(({ relation }) => relation)
    const groups = readGroups(this.#session, this.#world, { relations, first: ['BEGIN'] })
    const [read] = await Promise.all([
      groups,
      this.#session.observe({ sql: 'ROLLBACK', role: 'context' }),
    ])
    return read
  }

  /** Line by line where that finds each row as the log has it, else from the copies. */
  async #bringBack({ touched, isShort }: Log): Promise<void> {
    if (touched.length === 0) return
    const [undone] = isShort ? await this.#session.query(`SELECT ${schema}.undo() AS all`) : []
    if (undone?.['all'] !== 't') await this.#copyBack(touched)
  }

  /** As a replica: neither triggers nor foreign keys have a say, and nobody notes it. */
  async #copyBack(touched: readonly ScratchTable[]): Promise<void> {
    const sql = touched
      .filter(({ relation }) => relation.kind !== 'partitioned table')
      .flatMap(({ relation, oid, columns }) => [
        `DELETE FROM ONLY ${qualified(relation)}`,
        `INSERT INTO ${qualified(relation)} (${columns})
          OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${savedName(oid)}`,
      ])
    await this.#session
      .query(`BEGIN; SET LOCAL session_replication_role = replica; ${sql.join('; ')};
      DELETE FROM ${schema}.written; COMMIT`)
  }
}

/** What holds rows. The oids of a copy are not those of the world. */
async function tablesIn(session: Session, { catalog }: World): Promise<readonly ScratchTable[]> {
  const tables = catalog.relations.filter(({ kind }) =>
    ['table', 'partition', 'partitioned table'].includes(kind),
  )
  const names = tables.map(
    (relation) => `(${literal(relationKey(relation))}, ${literal(qualified(relation))})`,
  )
  if (names.length === 0) return []
  // Identity columns are stored, generated ones are computed again.
  const rows =
    await session.query(`SELECT key, to_regclass(name)::oid AS oid, (SELECT string_agg(quote_ident(attname),
      ', ' ORDER BY attnum) FROM pg_catalog.pg_attribute WHERE attrelid = to_regclass(name) AND attnum > 0
      AND NOT attisdropped AND attgenerated = '') AS columns
    FROM (VALUES ${names.join(', ')}) AS t (key, name)`)
  const byKey = new Map(rows.map((row) => [row['key'], row]))
  return tables.map((relation) => {
    const row = byKey.get(relationKey(relation))
    return { relation, oid: Number(row?.['oid']), columns: String(row?.['columns']) }
  })
}
