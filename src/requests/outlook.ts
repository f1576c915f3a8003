/**
 * Everything that a session can see, in one message: what each relation shows it, as number and hash, and what the
 * session carries. A connection that was used must see what a fresh one sees, whatever opens rows on it.
 */

import type { Row } from '../model/observation.ts'
import { literal } from '../sql/identifier.ts'

/** What is seen, by its address: number and hash of the rows, or the SQLSTATE of a refusal. */
export type Sights = Readonly<Record<string, string>>

export interface Outlook {
  readonly sights: Sights
  /** Settings that policies, functions or the statements sent before name; without a value they are absent. */
  readonly settings: Readonly<Record<string, string>>
  /** All that the session carries, as one text: where it is the same, the same is seen. */
  readonly state: string
}

const holder = 'watertight.outlook'

/** Names in the texts of the database that may be settings of its own: `app.current_tenant_id`. */
export const settingNamesSql = `SELECT DISTINCT lower(m[1]) AS name FROM (
  SELECT pg_catalog.pg_get_expr(polqual, polrelid) AS text FROM pg_catalog.pg_policy
  UNION ALL SELECT pg_catalog.pg_get_expr(polwithcheck, polrelid) FROM pg_catalog.pg_policy
  UNION ALL SELECT pg_catalog.pg_get_functiondef(p.oid) FROM pg_catalog.pg_proc p
    JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prokind IN ('f', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  UNION ALL SELECT pg_catalog.pg_get_viewdef(c.oid) FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'v' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
  UNION ALL SELECT pg_catalog.pg_get_expr(adbin, adrelid) FROM pg_catalog.pg_attrdef
  UNION ALL SELECT pg_catalog.quote_literal(split_part(each, '=', 1))
    FROM pg_catalog.pg_db_role_setting, unnest(setconfig) each
) texts, LATERAL pg_catalog.regexp_matches(text, '''([a-z_][\\w$]*\\.[\\w$.]+)''', 'gi') m`

/** Names of settings that a statement gives a value: `SET x.y`, `set_config('x.y', ...)`. */
export function settingNamesIn(sql: string): readonly string[] {
  const found = sql.matchAll(
    /(?:\bset_config\(\s*'([a-z_][\w$]*\.[\w$.]+)'|\bset\s+(?:local\s+|session\s+)?"?([a-z_][\w$]*"?\."?[\w$.]+))/gi,
  )
  return [...found].map((each) => (each[1] ?? each[2] ?? '').replaceAll('"', '').toLowerCase())
}

/**
 * One message, so that it needs no transaction and takes part in one that is open. The settings by which rows become
 * texts are those of everybody, and are put back with the block. What fails is refused by itself.
 */
const sightsSql = () => `/* outlook */ DO $outlook$
DECLARE sights jsonb := '{}'; seen text; each record;
BEGIN
  BEGIN
    PERFORM pg_catalog.set_config(name, value, true) FROM (VALUES ('TimeZone', 'UTC'), ('DateStyle', 'ISO'),
      ('IntervalStyle', 'postgres'), ('bytea_output', 'hex'), ('extra_float_digits', '1')) AS s (name, value);
    FOR each IN ${sourcesSql} LOOP
      BEGIN
        EXECUTE each.sql INTO seen;
      EXCEPTION WHEN OTHERS THEN
        seen := SQLSTATE;
      END;
      sights := sights || pg_catalog.jsonb_build_object(each.address, seen);
    END LOOP;
    RAISE EXCEPTION USING ERRCODE = 'WTOUT';
  EXCEPTION WHEN SQLSTATE 'WTOUT' THEN
    NULL;
  END;
  PERFORM pg_catalog.set_config('${holder}', sights::text, true);
END $outlook$;
SELECT pg_catalog.current_setting('${holder}') AS sights`

/** What the session carries, as settings and columns of its context: cheap, so that it is asked everywhere. */
export function carriedSql(names: readonly string[], contextColumns: string): string {
  return `/* outlook */ SELECT ${contextColumns}, (SELECT count(*) FROM pg_catalog.pg_class
    WHERE relnamespace = pg_catalog.pg_my_temp_schema()) AS temporary,
  (SELECT pg_catalog.json_object_agg(name, value ORDER BY name) FROM (
    SELECT name, pg_catalog.current_setting(name, true) AS value
      FROM unnest(ARRAY[${names.map(literal).join(', ')}]::text[]) AS name
    UNION ALL SELECT name, setting FROM pg_catalog.pg_settings WHERE source = 'session'
      AND name NOT IN ('search_path', 'lock_timeout', 'statement_timeout')
    UNION ALL SELECT 'session_authorization', session_user::text
  ) s WHERE value <> '')::text AS settings`
}

/** All that the session can see: as much as all of it costs. */
export function outlookSql(names: readonly string[], contextColumns: string): string {
  return `${sightsSql()}, carried.* FROM (${carriedSql(names, contextColumns)}) carried`
}

/** Whatever the session may read, partitions and its temporary objects too, and functions that want no argument. */
const sourcesSql = `
  SELECT pg_catalog.format('%I.%I', CASE WHEN n.oid = pg_catalog.pg_my_temp_schema() THEN 'pg_temp'
      ELSE n.nspname END, c.relname) AS address, pg_catalog.format(
      'SELECT count(*) || '' '' || coalesce(sum(pg_catalog.hashtextextended(%s, 0)::numeric), 0) FROM %I.%I t',
      CASE WHEN pg_catalog.has_table_privilege(c.oid, 'SELECT') THEN 't::text' ELSE columns END,
      n.nspname, c.relname) AS sql
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace,
    LATERAL (SELECT pg_catalog.string_agg(pg_catalog.format('t.%I::text', attname), ' || ') AS columns
      FROM pg_catalog.pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped
      AND NOT pg_catalog.has_table_privilege(c.oid, 'SELECT')
      AND pg_catalog.has_column_privilege(c.oid, attnum, 'SELECT')) a
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
      AND (n.nspname !~ '^(pg_|information_schema$)' OR n.oid = pg_catalog.pg_my_temp_schema())
      AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND (pg_catalog.has_table_privilege(c.oid, 'SELECT') OR columns IS NOT NULL)
  UNION ALL SELECT pg_catalog.format('%I.%I()', n.nspname, p.proname), pg_catalog.format(
      'SELECT count(*) || '' '' || coalesce(sum(pg_catalog.hashtextextended(t::text, 0)::numeric), 0) FROM %I.%I() t',
      n.nspname, p.proname)
    FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prokind = 'f' AND p.pronargs = 0 AND p.provolatile <> 'v'
      AND n.nspname !~ '^(pg_|information_schema$)' AND pg_catalog.has_schema_privilege(n.oid, 'USAGE')
      AND pg_catalog.has_function_privilege(p.oid, 'EXECUTE')
  UNION ALL SELECT 'lastval()', 'SELECT lastval()::text'`

/** The answer of a driver to a message of several statements is a list of them; null when it is none of ours. */
export function outlookIn(answer: unknown): Outlook | null {
  const last: unknown = Array.isArray(answer) ? answer.at(-1) : answer
  const row = (last as { readonly rows?: readonly Row[] } | undefined)?.rows?.[0]
  const [sights, settings] = [row?.['sights'], row?.['settings']]
  if (row === undefined || typeof settings !== 'string') return null
  return {
    sights: typeof sights === 'string' ? (JSON.parse(sights) as Sights) : {},
    settings: JSON.parse(settings) as Outlook['settings'],
    state: [row['context_role'], row['context_path'], row['temporary'], settings].join(' | '),
  }
}

export interface Difference {
  readonly address: string
  readonly used: string | null
  readonly fresh: string | null
}

/** What the used one sees that a fresh one does not: less than a fresh one is a denial, and no leak. */
export function seenBeyond(used: Sights, fresh: Sights): readonly Difference[] {
  return Object.entries(used)
    .filter(([address, seen]) => seen !== fresh[address] && showsSomething(seen))
    .map(([address, seen]) => ({ address, used: seen, fresh: fresh[address] ?? null }))
}

/** Five characters are an SQLSTATE; `0 0` is no row. */
function showsSomething(seen: string | null): boolean {
  return seen !== null && seen !== '0 0' && !/^[0-9A-Z]{5}$/.test(seen)
}

/** The rows behind a sight, as far as a witness needs them. */
export function sightSql(address: string): string {
  return address === 'lastval()'
    ? 'SELECT lastval() AS lastval'
    : `SELECT * FROM ${address} AS t LIMIT 64`
}
