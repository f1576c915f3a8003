/** The questions of the survey, each answered as one JSON text. Names stay as PostgreSQL spells them. */

import { literal } from '../../sql/identifier.ts'
import { asJson, userSchema } from './answer-as-json.ts'

/**
 * `contextRole` is an SQL expression over n.nspname that gives the role which the application has
 * in the context of the tenant that owns the schema.
 */
export interface SurveyScope {
  readonly contextRole: string
}

/** CASE expression from a map of schemas to roles, with a role for every other schema. */
export function contextRoleSql(bySchema: ReadonlyMap<string, string>, otherwise: string): string {
  if (bySchema.size === 0) return `${literal(otherwise)}::name`
  const cases = [...bySchema].map(
    ([schema, role]) => `WHEN ${literal(schema)} THEN ${literal(role)}`,
  )
  return `(CASE n.nspname ${cases.join(' ')} ELSE ${literal(otherwise)} END)::name`
}

/** https://www.postgresql.org/docs/current/catalog-pg-class.html */
export function relationsSql({ contextRole }: SurveyScope): string {
  return asJson(`
SELECT c.oid::int AS oid, n.nspname AS schema, c.relname AS name, c.relkind::text AS relkind,
  c.relispartition, pg_get_userbyid(c.relowner) AS owner, c.relrowsecurity, c.relforcerowsecurity,
  coalesce(c.reloptions::text[] &&
    ARRAY['security_invoker=true','security_invoker=on','security_invoker=1'], false) AS "securityInvoker",
  coalesce(c.reloptions::text[] &&
    ARRAY['security_barrier=true','security_barrier=on','security_barrier=1'], false) AS "securityBarrier",
  c.reltuples::float8 AS "estimatedRows", pg_relation_is_updatable(c.oid, true)::int AS events,
  md5(concat_ws(' ', CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
    (SELECT string_agg(pg_get_triggerdef(t.oid), ' ' ORDER BY t.tgname) FROM pg_trigger t
      WHERE t.tgrelid = c.oid AND NOT t.tgisinternal),
    (SELECT string_agg(pg_get_indexdef(i.indexrelid), ' ' ORDER BY i.indexrelid::regclass::text) FROM pg_index i
      WHERE i.indrelid = c.oid),
    (SELECT string_agg(pg_get_constraintdef(k.oid), ' ' ORDER BY k.conname) FROM pg_constraint k
      WHERE k.conrelid = c.oid))) AS definition,
  (SELECT coalesce(json_agg(b.body ORDER BY b.body), '[]') FROM (
     SELECT left(p.prosrc, 4000) FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
       WHERE t.tgrelid = c.oid AND NOT t.tgisinternal
     UNION SELECT pg_get_ruledef(r.oid) FROM pg_rewrite r WHERE r.ev_class = c.oid AND r.rulename <> '_RETURN'
   ) b (body)) AS reactions,
  (SELECT pn.nspname || '.' || p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhparent
     JOIN pg_namespace pn ON pn.oid = p.relnamespace WHERE i.inhrelid = c.oid LIMIT 1) AS parent,
  (SELECT coalesce(json_agg(v.privilege), '[]') FROM (VALUES ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE'),
     ('TRUNCATE'), ('REFERENCES'), ('TRIGGER')) v (privilege)
   WHERE has_schema_privilege(r.name, n.oid, 'USAGE') AND (has_table_privilege(r.name, c.oid, v.privilege)
     OR (v.privilege IN ('SELECT', 'INSERT', 'UPDATE') AND has_any_column_privilege(r.name, c.oid, v.privilege)))
  ) AS "applicationPrivileges",
  (SELECT coalesce(json_agg(json_build_object(
      'name', a.attname, 'type', format_type(a.atttypid, a.atttypmod), 'notNull', a.attnotnull,
      'hasDefault', a.atthasdef OR a.attidentity <> '', 'generated', a.attgenerated <> '' OR a.attidentity = 'a',
      'selectable', has_column_privilege(r.name, c.oid, a.attnum, 'SELECT'),
      'updatable', has_column_privilege(r.name, c.oid, a.attnum, 'UPDATE')) ORDER BY a.attnum), '[]')
   FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace,
  LATERAL (SELECT ${contextRole} AS name) r
WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND ${userSchema}
ORDER BY n.nspname, c.relname`)
}

/** Unique keys without expressions; https://www.postgresql.org/docs/current/catalog-pg-index.html */
export const keysSql = asJson(`
SELECT i.indrelid::int AS oid, i.indisprimary AS primary,
  (SELECT json_agg(a.attname ORDER BY k.ordinality) FROM unnest(i.indkey::int[]) WITH ORDINALITY k (attnum, ordinality)
   JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
   WHERE k.ordinality <= i.indnkeyatts) AS columns
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indisunique AND 0 <> ALL (i.indkey::int[]) AND ${userSchema}
ORDER BY i.indexrelid`)

/** https://www.postgresql.org/docs/current/catalog-pg-constraint.html */
export const foreignKeysSql = asJson(`
SELECT f.conrelid::int AS oid, f.conname AS name, f.condeferrable AS deferrable,
  tn.nspname || '.' || t.relname AS "referencedRelation",
  (SELECT json_agg(a.attname ORDER BY k.ordinality) FROM unnest(f.conkey) WITH ORDINALITY k (attnum, ordinality)
   JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum) AS columns,
  (SELECT json_agg(a.attname ORDER BY k.ordinality) FROM unnest(f.confkey) WITH ORDINALITY k (attnum, ordinality)
   JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum) AS "referencedColumns"
FROM pg_constraint f JOIN pg_class c ON c.oid = f.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = f.confrelid JOIN pg_namespace tn ON tn.oid = t.relnamespace
WHERE f.contype = 'f' AND f.conparentid = 0 AND ${userSchema}
ORDER BY f.conname`)

/** https://www.postgresql.org/docs/current/catalog-pg-policy.html */
export const policiesSql = asJson(`
SELECT p.polrelid::int AS oid, p.polname AS name, p.polpermissive AS permissive,
  CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
    ELSE 'ALL' END AS command,
  (SELECT json_agg(CASE u.oid WHEN 0 THEN 'public' ELSE pg_get_userbyid(u.oid)::text END)
   FROM unnest(p.polroles) u (oid)) AS roles,
  pg_get_expr(p.polqual, p.polrelid) AS "using", pg_get_expr(p.polwithcheck, p.polrelid) AS "withCheck"
FROM pg_policy p ORDER BY p.polrelid, p.polname`)

/** https://www.postgresql.org/docs/current/catalog-pg-proc.html; functions of extensions are left out. */
export function functionsSql({ contextRole }: SurveyScope): string {
  return asJson(`
SELECT p.oid::int AS oid, n.nspname AS schema, p.proname AS name, pg_get_userbyid(p.proowner) AS owner,
  l.lanname AS language, CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' WHEN 'w'
    THEN 'window' ELSE 'function' END AS kind,
  (SELECT coalesce(json_agg(format_type(t.oid, NULL) ORDER BY t.ordinality), '[]')
   FROM unnest(CASE p.prokind WHEN 'p' THEN coalesce(p.proallargtypes, p.proargtypes::oid[])
     ELSE p.proargtypes::oid[] END) WITH ORDINALITY t (oid, ordinality)) AS "argumentTypes",
  to_json(coalesce(p.proargnames, '{}')) AS "argumentNames",
  to_json(coalesce(p.proargmodes::text[], '{}')) AS "argumentModes", p.pronargdefaults AS "argumentDefaults",
  p.provariadic <> 0 AS variadic,
  format_type(p.prorettype, NULL) AS "returnType", p.proretset AS "returnsSet", p.prosecdef AS "securityDefiner",
  to_json(coalesce(p.proconfig, '{}')) AS settings,
  CASE p.provolatile WHEN 'i' THEN 'immutable' WHEN 's' THEN 'stable' ELSE 'volatile' END AS volatility,
  left(coalesce(p.prosrc, ''), 4000) AS source,
  left(coalesce(pg_get_function_sqlbody(p.oid), ''), 4000) AS "sqlBody",
  has_schema_privilege(r.name, n.oid, 'USAGE') AND has_function_privilege(r.name, p.oid, 'EXECUTE')
    AS "applicationMayExecute"
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang,
  LATERAL (SELECT ${contextRole} AS name) r
WHERE ${userSchema} AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
ORDER BY n.nspname, p.proname, p.oid`)
}

/** Roles that matter here, with every role they can become. canSet and inherits exist from 16 on. */
export function rolesSql(serverVersionNum: number): string {
  const canSet =
    serverVersionNum >= 160000
      ? `pg_has_role(r.oid, m.oid, 'SET')`
      : `pg_has_role(r.oid, m.oid, 'MEMBER')`
  return asJson(`
SELECT r.rolname AS name, r.rolsuper AS superuser, r.rolbypassrls AS "bypassRowSecurity", r.rolcreaterole
  AS "createRole",
  r.rolreplication AS replication, r.rolcanlogin AS login,
  (SELECT coalesce(json_agg(json_build_object('role', m.rolname, 'canSet', ${canSet},
      'inherits', pg_has_role(r.oid, m.oid, 'USAGE')) ORDER BY m.rolname), '[]')
   FROM pg_roles m WHERE m.oid <> r.oid AND NOT r.rolsuper AND pg_has_role(r.oid, m.oid, 'MEMBER')) AS "memberOf",
  (SELECT coalesce(json_agg(cfg), '[]') FROM pg_db_role_setting s, unnest(s.setconfig) cfg
   WHERE (s.setrole = r.oid OR s.setrole = 0)
     AND (s.setdatabase = 0 OR s.setdatabase = (SELECT oid FROM pg_database
       WHERE datname = current_database()))) AS settings
FROM pg_roles r WHERE r.rolname NOT LIKE 'pg\\_%' ORDER BY r.rolname`)
}

/** https://www.postgresql.org/docs/current/catalog-pg-namespace.html */
export const schemasSql = asJson(`
SELECT n.nspname AS name, pg_get_userbyid(n.nspowner) AS owner,
  (SELECT coalesce(json_agg(json_build_object('role', CASE a.grantee WHEN 0 THEN 'public'
    ELSE pg_get_userbyid(a.grantee)::text END,
      'privilege', a.privilege_type)), '[]')
   FROM aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a) AS grants
FROM pg_namespace n WHERE ${userSchema} ORDER BY n.nspname`)
