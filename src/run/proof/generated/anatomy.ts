/** What the system tables say of a database, in a form that can be edited: the source of every generated edit. */

import type { Session } from '../../../postgres/session/session.ts'

export interface Grant {
  /** '' for PUBLIC. */
  readonly grantee: string
  readonly privilege: string
}

export interface AnatomyColumn {
  readonly name: string
  readonly type: string
  readonly notNull: boolean
  readonly default: string | null
  /** A value that many rows have; null where the planner knows none. */
  readonly common: string | null
}

export interface AnatomyRelation {
  readonly schema: string
  readonly name: string
  /** As `pg_class.relkind` spells it. */
  readonly kind: string
  readonly isPartition: boolean
  readonly owner: string
  readonly rowSecurity: boolean
  readonly forced: boolean
  readonly options: readonly string[]
  /** The query of a view, null for others. */
  readonly query: string | null
  readonly columns: readonly AnatomyColumn[]
  readonly grants: readonly Grant[]
}

export interface AnatomyPolicy {
  readonly schema: string
  readonly relation: string
  readonly name: string
  /** As in CREATE POLICY. */
  readonly command: string
  readonly permissive: boolean
  /** '' for PUBLIC. */
  readonly roles: readonly string[]
  readonly using: string | null
  readonly check: string | null
  /** Columns of the table that the expressions mention. */
  readonly columns: readonly string[]
}

export interface AnatomyFunction {
  readonly schema: string
  readonly name: string
  /** As SQL names it, with the types of its arguments. */
  readonly signature: string
  readonly definition: string
  readonly language: string
  readonly owner: string
  readonly definer: boolean
  readonly volatility: string
  readonly leakproof: boolean
  readonly settings: readonly string[]
  readonly returns: string
  readonly isTrigger: boolean
  readonly grants: readonly Grant[]
}

export interface AnatomyTrigger {
  readonly schema: string
  readonly relation: string
  readonly name: string
  readonly definition: string
}

export interface AnatomyKey {
  readonly schema: string
  readonly relation: string
  readonly name: string
  /** `p`, `u` and `f` as `pg_constraint.contype`, `c` for a check, `i` for a unique index without a constraint. */
  readonly type: string
  readonly definition: string
  readonly columns: readonly string[]
  /** The other side of a foreign key, as SQL names it. */
  readonly references: string | null
  readonly referencedColumns: readonly string[]
}

export interface AnatomySchema {
  readonly name: string
  readonly owner: string
  readonly grants: readonly Grant[]
}

export interface Anatomy {
  readonly relations: readonly AnatomyRelation[]
  readonly policies: readonly AnatomyPolicy[]
  readonly functions: readonly AnatomyFunction[]
  readonly triggers: readonly AnatomyTrigger[]
  readonly keys: readonly AnatomyKey[]
  readonly schemas: readonly AnatomySchema[]
  /** Roles that are no superuser's and not predefined. */
  readonly roles: readonly string[]
  /** Predefined roles, which can be granted like any other. */
  readonly predefined: readonly string[]
}

const ours = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`
const grantsOf = (acl: string, fallback: string) => `(SELECT coalesce(json_agg(json_build_object(
  'grantee', CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END, 'privilege', a.privilege_type)
  ORDER BY a.grantee, a.privilege_type), '[]') FROM aclexplode(coalesce(${acl}, ${fallback})) a)`
const namesOf = (
  relation: string,
  numbers: string,
) => `(SELECT coalesce(json_agg(a.attname ORDER BY u.n), '[]')
  FROM unnest(${numbers}) WITH ORDINALITY u(number, n)
  JOIN pg_attribute a ON a.attrelid = ${relation} AND a.attnum = u.number)`

const queries: Readonly<Record<keyof Anatomy, string>> = {
  relations: `SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.relispartition AS "isPartition",
      pg_get_userbyid(c.relowner) AS owner, c.relrowsecurity AS "rowSecurity", c.relforcerowsecurity AS forced,
      coalesce(c.reloptions, '{}') AS options, ${grantsOf('c.relacl', "acldefault('r', c.relowner)")} AS grants,
      CASE c.relkind WHEN 'v' THEN pg_get_viewdef(c.oid) END AS query,
      (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
        'notNull', a.attnotnull, 'default', pg_get_expr(d.adbin, d.adrelid), 'common',
        (SELECT (s.most_common_vals::text::text[])[1] FROM pg_stats s WHERE s.schemaname = n.nspname
          AND s.tablename = c.relname AND s.attname = a.attname LIMIT 1)) ORDER BY a.attnum), '[]')
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') AS columns
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${ours} AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY 1, 2`,
  policies: `SELECT n.nspname AS schema, c.relname AS relation, p.polname AS name, p.polpermissive AS permissive,
      CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE'
        ELSE 'ALL' END AS command,
      (SELECT json_agg(CASE r WHEN 0 THEN '' ELSE pg_get_userbyid(r) END) FROM unnest(p.polroles) r) AS roles,
      pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS check,
      (SELECT coalesce(json_agg(DISTINCT a.attname), '[]') FROM pg_depend d JOIN pg_attribute a
        ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid WHERE d.classid = 'pg_policy'::regclass
        AND d.objid = p.oid AND d.refobjid = c.oid AND d.refobjsubid > 0) AS columns
    FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${ours} ORDER BY 1, 2, 3`,
  functions: `SELECT n.nspname AS schema, p.proname AS name, p.oid::regprocedure::text AS signature,
      pg_get_functiondef(p.oid) AS definition, l.lanname AS language, pg_get_userbyid(p.proowner) AS owner,
      p.prosecdef AS definer, p.provolatile AS volatility, p.proleakproof AS leakproof,
      coalesce(p.proconfig, '{}') AS settings, format_type(p.prorettype, NULL) AS returns,
      p.prorettype = 'trigger'::regtype AS "isTrigger",
      ${grantsOf('p.proacl', "acldefault('f', p.proowner)")} AS grants
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang
    WHERE ${ours} AND p.prokind IN ('f', 'p')
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e') ORDER BY 1, 3`,
  triggers: `SELECT n.nspname AS schema, c.relname AS relation, t.tgname AS name, pg_get_triggerdef(t.oid) AS definition
    FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${ours} AND NOT t.tgisinternal AND t.tgparentid = 0 ORDER BY 1, 2, 3`,
  keys: `SELECT n.nspname AS schema, c.relname AS relation, k.conname AS name, k.contype AS type,
      pg_get_constraintdef(k.oid) AS definition, ${namesOf('k.conrelid', 'k.conkey')} AS columns,
      CASE k.confrelid WHEN 0 THEN NULL ELSE k.confrelid::regclass::text END AS references,
      ${namesOf('k.confrelid', 'k.confkey')} AS "referencedColumns"
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${ours} AND k.contype IN ('p', 'u', 'f', 'c') AND k.conparentid = 0 AND NOT c.relispartition
    UNION ALL SELECT n.nspname, c.relname, i.relname, 'i', pg_get_indexdef(i.oid),
      ${namesOf('x.indrelid', 'x.indkey::int2[]')}, NULL, '[]'::json
    FROM pg_index x JOIN pg_class i ON i.oid = x.indexrelid JOIN pg_class c ON c.oid = x.indrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE ${ours} AND x.indisunique AND NOT c.relispartition
      AND c.relkind IN ('r', 'p') AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.oid)
    ORDER BY 1, 2, 3`,
  schemas: `SELECT n.nspname AS name, pg_get_userbyid(n.nspowner) AS owner,
      ${grantsOf('n.nspacl', "acldefault('n', n.nspowner)")} AS grants FROM pg_namespace n WHERE ${ours} ORDER BY 1`,
  roles: `SELECT rolname AS name FROM pg_roles WHERE NOT rolsuper AND rolname !~ '^pg_' ORDER BY 1`,
  predefined: `SELECT rolname AS name FROM pg_roles
    WHERE rolname IN ('pg_read_all_data', 'pg_write_all_data') ORDER BY 1`,
}

/** Reads as superuser; names are qualified, because nothing is on the path while it reads. */
export async function readAnatomy(admin: Session): Promise<Anatomy> {
  await admin.query('SET search_path = pg_catalog')
  const read = async (part: keyof Anatomy): Promise<readonly unknown[]> => {
    const [row] = await admin.query(
      `SELECT coalesce(json_agg(q), '[]')::text AS list FROM (${queries[part]}) q`,
    )
    const list = JSON.parse(String(row?.['list'])) as readonly { readonly name: string }[]
    return part === 'roles' || part === 'predefined' ? list.map(({ name }) => name) : list
  }
  const parts: Partial<Record<keyof Anatomy, readonly unknown[]>> = {}
  for (const part of Object.keys(queries) as (keyof Anatomy)[]) parts[part] = await read(part)
  return parts as unknown as Anatomy
}
