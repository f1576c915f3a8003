/** What protects the objects that an operation was not about: as it was before, and after. */

import type { Row } from '../../model/observation.ts'
import type { Session } from '../../postgres/session/session.ts'

/** An object by its kind and name, and as text all that decides who reaches what through it. */
export type CatalogStates = ReadonlyMap<string, string>

const ours = "NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"

const statesSql = `
  SELECT 'relation ' || c.oid::regclass AS object, concat_ws(' | ', c.relrowsecurity, c.relforcerowsecurity,
      c.relowner::regrole, c.relacl, c.reloptions,
      CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END) AS state
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND n.nspname ${ours}
  UNION ALL SELECT 'policy ' || polname || ' of ' || polrelid::regclass, concat_ws(' | ', polcmd, polpermissive,
      polroles::regrole[], pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) FROM pg_policy
  UNION ALL SELECT 'column ' || attname || ' of ' || attrelid::regclass, concat_ws(' | ', attacl,
      attnotnull, pg_get_expr(adbin, adrelid))
    FROM pg_attribute JOIN pg_class c ON c.oid = attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
    WHERE attnum > 0 AND NOT attisdropped AND c.relkind IN ('r', 'p', 'v', 'm') AND n.nspname ${ours}
  UNION ALL SELECT 'constraint ' || conname || ' of ' || conrelid::regclass, pg_get_constraintdef(c.oid)
    FROM pg_constraint c WHERE conrelid <> 0
  UNION ALL SELECT 'index ' || indexrelid::regclass, concat_ws(' | ', indisvalid, pg_get_indexdef(indexrelid))
    FROM pg_index JOIN pg_class c ON c.oid = indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE indisunique AND n.nspname ${ours}
  UNION ALL SELECT 'heir ' || inhrelid::regclass || ' of ' || inhparent::regclass, inhdetachpending::text
    FROM pg_inherits
  UNION ALL SELECT 'event trigger ' || evtname, concat_ws(' | ', evtenabled, evtevent, evtfoid::regproc)
    FROM pg_event_trigger
  UNION ALL SELECT 'server ' || srvname, concat_ws(' | ', srvowner::regrole, srvacl, srvoptions)
    FROM pg_foreign_server
  UNION ALL SELECT 'database', concat_ws(' | ', datdba::regrole, datacl)
    FROM pg_database WHERE datname = current_database()
  UNION ALL SELECT 'large objects', string_agg(concat_ws(' ', oid, lomowner::regrole, lomacl), ', ' ORDER BY oid)
    FROM pg_largeobject_metadata
  UNION ALL SELECT 'trigger ' || tgname || ' of ' || tgrelid::regclass, concat_ws(' | ', tgenabled,
      pg_get_triggerdef(oid))
    FROM pg_trigger WHERE NOT tgisinternal
  UNION ALL SELECT 'rule ' || rulename || ' of ' || ev_class::regclass, concat_ws(' | ', ev_enabled,
      pg_get_ruledef(oid))
    FROM pg_rewrite WHERE rulename <> '_RETURN'
  UNION ALL SELECT 'function ' || p.oid::regprocedure, concat_ws(' | ', p.proowner::regrole, p.proacl, p.prosecdef,
      p.proconfig, p.prosrc, CASE WHEN p.prokind IN ('f', 'p') THEN pg_get_functiondef(p.oid) END)
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname ${ours}
  UNION ALL SELECT 'schema ' || nspname, concat_ws(' | ', nspowner::regrole, nspacl)
    FROM pg_namespace WHERE nspname !~ '^pg_'
  UNION ALL SELECT 'role ' || rolname, concat_ws(' | ', rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
      rolbypassrls, rolreplication) FROM pg_roles
  UNION ALL SELECT 'member ' || member::regrole || ' of ' || roleid::regrole, concat_ws(' | ', admin_option)
    FROM pg_auth_members
  UNION ALL SELECT 'setting of ' || setdatabase || ' ' || setrole, setconfig::text
    FROM pg_db_role_setting JOIN pg_database d ON d.datname = current_database() AND setdatabase IN (0, d.oid)
  UNION ALL SELECT 'default privileges ' || oid, concat_ws(' | ', defaclrole::regrole, defaclobjtype, defaclacl)
    FROM pg_default_acl
  UNION ALL SELECT 'publication ' || pubname, concat_ws(' | ', puballtables, (
    SELECT string_agg(prrelid::regclass::text, ' '
    ORDER BY prrelid) FROM pg_publication_rel WHERE prpubid = p.oid)) FROM pg_publication p`

/** Needs a session that sees the system tables; names are whole, whatever its search_path is. */
export async function readCatalogStates(session: Session): Promise<CatalogStates> {
  const [before] = await session.query('SHOW search_path')
  await session.query("SELECT set_config('search_path', 'pg_catalog', false)")
  try {
    const rows = await session.query(statesSql)
    return new Map(rows.map((row) => [String(row['object']), String(row['state'])]))
  } finally {
    const path = String(before?.['search_path']).replaceAll("'", "''")
    await session.query(`SELECT set_config('search_path', '${path}', false)`)
  }
}

export interface Declared {
  /** True for what the script was about: a part of its objects' names. */
  readonly isAbout: (object: string) => boolean
}

/** What was there and is not as it was, and what came without having been declared. */
export function undeclared(
  before: CatalogStates,
  after: CatalogStates,
  { isAbout }: Declared,
): readonly Row[] {
  const objects = new Set([...before.keys(), ...after.keys()])
  return [...objects]
    .filter((object) => !isAbout(object) && before.get(object) !== after.get(object))
    .map((object) => ({
      object,
      before: before.get(object)?.slice(0, 400) ?? null,
      after: after.get(object)?.slice(0, 400) ?? null,
    }))
}
