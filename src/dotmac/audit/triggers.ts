/** ENABLE_AUDIT_TRIGGERS: every write to a tenant's table leaves a line, one per statement and tenant. */

import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'

type Row = Readonly<Record<string, unknown>>

/** The function behind the triggers, without its schema. */
export const auditFunction = 'audit_statement()'

/**
 * Statement triggers with transition tables, so a bulk write is one row of the trail; a statement that touches nothing
 * writes nothing. They run with the caller's rights: row security of the trail applies to them too. The acting tenant
 * is the session's; without a context, as in maintenance, each row's own.
 * https://www.postgresql.org/docs/current/sql-createtrigger.html
 */
export function auditTriggersSql(schema: string): string {
  return `
CREATE OR REPLACE FUNCTION ${identifier(schema)}.${auditFunction} RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  EXECUTE format(
    'INSERT INTO %I.audit_tenant_access (tenant_id, user_id, table_name, operation, success, client_ip, user_agent)
     SELECT DISTINCT coalesce($1, c.tenant_id), $2, $3, $4, true, $5, $6 FROM changed c', TG_TABLE_SCHEMA)
  USING nullif(current_setting('app.current_tenant_id', true), ''),
        coalesce(nullif(current_setting('app.current_user_id', true), ''), session_user::text),
        TG_TABLE_NAME::text, TG_OP,
        coalesce(nullif(current_setting('app.client_ip', true), '')::inet, inet_client_addr()),
        nullif(current_setting('app.user_agent', true), '');
  RETURN NULL;
END;
$$;
REVOKE ALL ON FUNCTION ${identifier(schema)}.${auditFunction} FROM PUBLIC;
DO $watertight$ DECLARE
  audited record;
BEGIN
  FOR audited IN ${auditedTablesSql(schema)} LOOP
    EXECUTE format('CREATE OR REPLACE TRIGGER %I AFTER %s ON %s REFERENCING %s TABLE AS changed
      FOR EACH STATEMENT EXECUTE FUNCTION %s', audited.trigger, audited.event, audited.at,
      CASE audited.event WHEN 'DELETE' THEN 'OLD' ELSE 'NEW' END,
      ${literal(`${identifier(schema)}.${auditFunction}`)});
  END LOOP;
END $watertight$;`
}

export interface AuditTriggers {
  /** Schema that holds the tables and audit_tenant_access. */
  readonly schema: string
  /** ENABLE_AUDIT_TRIGGERS. */
  readonly enabled: boolean
  /** Owner of the function. */
  readonly owner: string
}

export interface AuditTriggersDone {
  readonly added: readonly string[]
  readonly removed: readonly string[]
}

/**
 * Brings the triggers of a schema to what the configuration says, in one transaction, and names those that it made or
 * removed. Locks nothing where nothing is to be done; a schema without a trail is left alone.
 */
export async function ensureAuditTriggers(
  session: Session,
  { schema, enabled, owner }: AuditTriggers,
): Promise<AuditTriggersDone> {
  const wanted = enabled ? (await session.query(auditedTablesSql(schema))).map(nameOf) : []
  const there =
    await session.query(`SELECT g.tgname AS trigger, format('%I.%I', n.nspname, c.relname) AS at,
      g.tgenabled <> 'D' AS fires
    FROM pg_catalog.pg_trigger g JOIN pg_catalog.pg_proc p ON p.oid = g.tgfoid
    JOIN pg_catalog.pg_class c ON c.oid = g.tgrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE p.proname || '()' = ${literal(auditFunction)} AND n.nspname = ${literal(schema)}
      AND NOT g.tgisinternal ORDER BY 2, 1`)
  // One that somebody switched off is missing where it is wanted, and in the way where it is not.
  const names = new Set(there.filter(({ fires }) => fires === 't').map(nameOf))
  const added = wanted.filter((name) => !names.has(name))
  const removed = there.map(nameOf).filter((name) => !wanted.includes(name))
  if (added.length + removed.length === 0) return { added, removed }
  await session.query('BEGIN')
  try {
    for (const name of removed) await session.query(`DROP TRIGGER ${name}`)
    if (enabled) {
      await session.query(`${auditTriggersSql(schema)}
        ALTER FUNCTION ${identifier(schema)}.${auditFunction} OWNER TO ${identifier(owner)}`)
    } else await session.query(`DROP FUNCTION ${identifier(schema)}.${auditFunction}`)
    await session.query('COMMIT')
  } catch (error) {
    await session.query('ROLLBACK')
    throw error
  }
  return { added, removed }
}

/** As DROP TRIGGER takes it; the table is quoted by the server. */
function nameOf({ trigger, at }: Row): string {
  return `${identifier(String(trigger))} ON ${String(at)}`
}

/**
 * Tables of the schema with a tenant's rows, the trail itself and what it refers to (the list of tenants) excepted:
 * a line about a tenant that is being deleted could not refer to it.
 */
function auditedTablesSql(schema: string): string {
  const trail = `to_regclass(${literal(`${identifier(schema)}.audit_tenant_access`)})`
  return `SELECT format('%I.%I', n.nspname, c.relname) AS at, v.event,
      'audit_' || lower(v.event) AS trigger
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    CROSS JOIN (VALUES ('INSERT'), ('UPDATE'), ('DELETE')) AS v (event)
    WHERE n.nspname = ${literal(schema)} AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND ${trail} IS NOT NULL AND c.oid <> ${trail}
      AND c.oid NOT IN (SELECT confrelid FROM pg_catalog.pg_constraint WHERE conrelid = ${trail} AND contype = 'f')
    ORDER BY 1, 3`
}
