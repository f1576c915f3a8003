/**
 * What requests changed in a database that is ours alone. The service commits, so nothing can be rolled back:
 * triggers name the tables that were written, their rows are compared by owner, and copies bring them back.
 */

import { relationKey, type Relation } from '../../model/catalog.ts'
import type { TenantId } from '../../model/tenant.ts'
import { literal, qualified } from '../../sql/identifier.ts'
import { Session } from '../../postgres/session/session.ts'
import { readGroups, type Groups } from '../../world/row-groups.ts'
import { changesOf, type Change } from '../../world/write-oracle.ts'
import type { World } from '../../world/world.ts'

const schema = 'watertight_scratch'

const installSql = `CREATE SCHEMA ${schema};
  CREATE TABLE ${schema}.written (relation oid NOT NULL);
  CREATE FUNCTION ${schema}.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = ''
    AS $$ BEGIN INSERT INTO ${schema}.written VALUES (TG_RELID); RETURN NULL; END $$`

interface ScratchTable {
  readonly relation: Relation
  readonly oid: number
  /** Those that are stored, quoted and joined. */
  readonly columns: string
}

export class ScratchRows implements AsyncDisposable {
  readonly #world: World
  readonly #session: Session
  readonly #tables: readonly ScratchTable[]
  readonly #before = new Map<string, Groups>()

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

  /** Rows of others that are not what they were at the beginning. */
  async changesFor(attacker: TenantId): Promise<readonly Change[]> {
    const touched = await this.#touched()
    if (touched.length === 0) return []
    const after = await this.#groups(touched)
    await this.#bringBack(touched)
    const missing = touched.filter(({ relation }) => !this.#before.has(relationKey(relation)))
    for (const [key, groups] of await this.#groups(missing)) this.#before.set(key, groups)
    return changesOf(this.#before, after, attacker)
  }

  /** All tables are as they were at the beginning. */
  async restore(): Promise<void> {
    const touched = await this.#touched()
    if (touched.length > 0) await this.#bringBack(touched)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#session[Symbol.asyncDispose]()
  }

  /** A partitioned table stands for its partitions, which hold the rows. */
  async #touched(): Promise<readonly ScratchTable[]> {
    const rows = await this.#session
      .query(`SELECT DISTINCT coalesce(t.relid, w.relation)::oid AS oid
      FROM ${schema}.written w LEFT JOIN LATERAL pg_catalog.pg_partition_tree(w.relation) t ON true`)
    const oids = new Set(rows.map((row) => Number(row['oid'])))
    return this.#tables.filter(({ oid }) => oids.has(oid))
  }

  async #groups(tables: readonly ScratchTable[]): Promise<ReadonlyMap<string, Groups>> {
    await this.#session.query('BEGIN')
    try {
      return new Map(
        await Promise.all(
          tables.map(
            async ({ relation }) =>
              [
                relationKey(relation),
                await readGroups(this.#session, this.#world, relation),
              ] as const,
          ),
        ),
      )
    } finally {
      await this.#session.query('ROLLBACK')
    }
  }

  /** As a replica: neither triggers nor foreign keys have a say, and nobody notes it. */
  async #bringBack(touched: readonly ScratchTable[]): Promise<void> {
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

function watchSql({ relation, oid, columns }: ScratchTable): string {
  const name = qualified(relation)
  const saved =
    relation.kind === 'partitioned table'
      ? ''
      : `CREATE UNLOGGED TABLE ${savedName(oid)} AS SELECT ${columns} FROM ONLY ${name}; `
  return `${saved}CREATE TRIGGER watertight_note AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${name}
    FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.note()`
}

function savedName(oid: number): string {
  return `${schema}.saved_${oid}`
}
