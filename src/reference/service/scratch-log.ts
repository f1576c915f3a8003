/** The SQL of a log of written rows, kept by triggers in the database under attack, and of its undoing. */

import type { Relation } from '../../model/catalog.ts'
import { literal, qualified } from '../../sql/identifier.ts'

export const schema = 'watertight_scratch'

export interface ScratchTable {
  readonly relation: Relation
  readonly oid: number
  /** Those that are stored, quoted and joined. */
  readonly columns: string
}

/** A row as text must read the same whoever writes it down, and whoever looks for it. */
const settings = `SET search_path = '' SET timezone = 'UTC' SET datestyle = 'ISO' SET intervalstyle = 'postgres'
    SET bytea_output = 'hex' SET extra_float_digits = 1`

/** A line without a row says that the table was emptied. `undo` is false, and did nothing, where a row is missing. */
export const installSql = `CREATE SCHEMA ${schema};
  CREATE TABLE ${schema}.stored (relation oid PRIMARY KEY, columns text NOT NULL);
  CREATE UNLOGGED TABLE ${schema}.written (line bigint GENERATED ALWAYS AS IDENTITY, relation oid NOT NULL,
    owners text[], before text, after text);
  CREATE FUNCTION ${schema}.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER ${settings} AS $$
    BEGIN
      IF TG_OP = 'INSERT' THEN
        INSERT INTO ${schema}.written (relation, owners, after)
        VALUES (TG_RELID, ARRAY[to_jsonb(NEW) ->> TG_ARGV[0]], NEW::text);
      ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO ${schema}.written (relation, owners, before)
        VALUES (TG_RELID, ARRAY[to_jsonb(OLD) ->> TG_ARGV[0]], OLD::text);
      ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO ${schema}.written (relation, owners, before, after)
        VALUES (TG_RELID, ARRAY[to_jsonb(OLD) ->> TG_ARGV[0], to_jsonb(NEW) ->> TG_ARGV[0]],
          OLD::text, NEW::text);
      ELSE
        INSERT INTO ${schema}.written (relation) VALUES (TG_RELID);
      END IF;
      RETURN NULL;
    END $$;
  CREATE FUNCTION ${schema}.undo() RETURNS boolean LANGUAGE plpgsql ${settings}
    SET session_replication_role = replica AS $$
    DECLARE entry record; found_rows bigint;
    BEGIN
      FOR entry IN SELECT w.relation::regclass::text AS name, w.before, w.after, s.columns
        FROM ${schema}.written w LEFT JOIN ${schema}.stored s USING (relation) ORDER BY w.line DESC
      LOOP
        IF entry.after IS NOT NULL THEN
          EXECUTE format('DELETE FROM ONLY %1$s WHERE ctid =
            (SELECT t.ctid FROM ONLY %1$s t WHERE t::text = $1 LIMIT 1)',
            entry.name) USING entry.after;
          GET DIAGNOSTICS found_rows = ROW_COUNT;
          IF found_rows = 0 THEN RAISE EXCEPTION 'a row is missing'; END IF;
        END IF;
        IF entry.before IS NOT NULL THEN
          EXECUTE format('INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM (SELECT ($1::%1$s).*) t',
            entry.name, entry.columns) USING entry.before;
        END IF;
      END LOOP;
      DELETE FROM ${schema}.written;
      RETURN true;
    EXCEPTION WHEN OTHERS THEN
      RETURN false;
    END $$`

/** Partitions have the triggers of rows from the table that they belong to. */
export function watchSql({ relation, oid, columns }: ScratchTable): string {
  const name = qualified(relation)
  const call = `EXECUTE FUNCTION ${schema}.note(${literal(relation.tenantColumn ?? '')})`
  return [
    `INSERT INTO ${schema}.stored VALUES (${oid}, ${literal(columns)})`,
    ...(relation.kind === 'partitioned table'
      ? []
      : [`CREATE UNLOGGED TABLE ${savedName(oid)} AS SELECT ${columns} FROM ONLY ${name}`]),
    ...(relation.kind === 'partition'
      ? []
      : [
          `CREATE TRIGGER watertight_note_rows AFTER INSERT OR UPDATE OR DELETE ON ${name}
            FOR EACH ROW ${call}`,
        ]),
    `CREATE TRIGGER watertight_note AFTER TRUNCATE ON ${name} FOR EACH STATEMENT ${call}`,
  ].join('; ')
}

export function savedName(oid: number): string {
  return `${schema}.saved_${oid}`
}
