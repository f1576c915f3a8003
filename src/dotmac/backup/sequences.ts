/** Sequences behind rows that came back: without this the next insert would meet a number that is taken. */

import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'

export interface NumberedRows {
  /** Qualified and quoted. */
  readonly address: string
  /** SQL condition of the rows that came back. */
  readonly where: string
}

/**
 * A sequence that a column of these tables takes its default or its identity from goes on behind the largest of the
 * rows' values. One that is ahead of them stays: others may have taken its numbers. Sequences do not go back with a
 * transaction, so this is the last step before the commit.
 */
export async function advanceSequences(
  session: Session,
  tables: readonly NumberedRows[],
): Promise<void> {
  const conditions = new Map(tables.map(({ address, where }) => [address, where]))
  for (const { address, column, sequence } of await sequencesOf(session, [...conditions.keys()])) {
    const [name, from] = [literal(String(sequence)), String(address)]
    await session.query(`SELECT setval(${name}::regclass, m.most) FROM (
        SELECT ceil(max(${identifier(String(column))}))::bigint AS most FROM ${from}
        WHERE ${conditions.get(from) ?? 'true'}) m
      WHERE m.most > coalesce(pg_sequence_last_value(${name}::regclass), 0)`)
  }
}

/** By the dependencies of defaults and identities. Numbers only: a text may hold more than the sequence gave it. */
async function sequencesOf(
  session: Session,
  addresses: readonly string[],
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  if (addresses.length === 0) return []
  return await session.query(`WITH listed AS (SELECT address, address::regclass::oid AS relid
      FROM unnest(ARRAY[${addresses.map(literal).join(', ')}]) AS address)
    SELECT t.address, a.attname AS column, u.sequence::regclass::text AS sequence FROM (
      SELECT f.adrelid AS relid, f.adnum AS attnum, d.refobjid AS sequence FROM pg_attrdef f
        JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
      UNION SELECT d.refobjid, d.refobjsubid, d.objid FROM pg_depend d
        WHERE d.classid = 'pg_class'::regclass AND d.deptype = 'i') u
    JOIN listed t ON t.relid = u.relid
    JOIN pg_sequence s ON s.seqrelid = u.sequence AND s.seqincrement > 0
    JOIN pg_attribute a ON a.attrelid = u.relid AND a.attnum = u.attnum
    WHERE a.atttypid IN ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype)`)
}
