/** The question about types: what arguments and columns are made of, where they are no plain built-in ones. */

import { asJson, userSchema } from './answer-as-json.ts'

/**
 * Types of arguments and columns, and what they are made of; plain built-in types need no entry.
 * https://www.postgresql.org/docs/current/catalog-pg-type.html
 */
export const typesSql = asJson(`
WITH RECURSIVE used (oid) AS (
  (SELECT unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) FROM pg_proc p
   JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${userSchema}
   UNION SELECT a.atttypid FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
   JOIN pg_namespace n ON n.oid = c.relnamespace
   WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped AND ${userSchema})
  UNION
  SELECT part.oid FROM used JOIN pg_type t ON t.oid = used.oid, LATERAL (
    SELECT t.typbasetype WHERE t.typtype = 'd'
    UNION ALL SELECT t.typelem WHERE t.typcategory = 'A'
    UNION ALL SELECT r.rngsubtype FROM pg_range r WHERE r.rngtypid = t.oid
    UNION ALL SELECT r.rngtypid FROM pg_range r WHERE r.rngmultitypid = t.oid
    UNION ALL SELECT a.atttypid FROM pg_attribute a
      WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped) part (oid)
)
SELECT format_type(t.oid, NULL) AS name, quote_ident(n.nspname) || '.' || quote_ident(t.typname) AS address,
  CASE WHEN t.typtype = 'b' AND t.typcategory = 'A' THEN 'array' WHEN t.typtype = 'd' THEN 'domain'
    WHEN t.typtype = 'e' THEN 'enum' WHEN t.typtype = 'c' THEN 'composite' WHEN t.typtype = 'r' THEN 'range'
    WHEN t.typtype = 'm' THEN 'multirange' ELSE 'base' END AS kind,
  CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, NULL)
    WHEN t.typcategory = 'A' THEN format_type(t.typelem, NULL)
    ELSE (SELECT format_type(CASE t.oid WHEN r.rngtypid THEN r.rngsubtype ELSE r.rngtypid END, NULL)
      FROM pg_range r WHERE t.oid IN (r.rngtypid, r.rngmultitypid)) END AS of,
  (SELECT coalesce(json_agg(e.enumlabel ORDER BY e.enumsortorder), '[]') FROM pg_enum e WHERE e.enumtypid = t.oid)
    AS labels,
  (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL))
      ORDER BY a.attnum), '[]')
   FROM pg_attribute a WHERE t.typtype = 'c' AND a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped)
    AS fields
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
WHERE t.oid IN (SELECT oid FROM used) AND (t.typtype NOT IN ('b', 'p') OR t.typcategory = 'A' OR ${userSchema})`)
