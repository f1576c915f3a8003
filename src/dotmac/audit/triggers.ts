/** ENABLE_AUDIT_TRIGGERS: every write to a tenant's table leaves a line, one per statement and tenant. */

import type { Service } from '../../model/tenancy.ts'
import { identifier } from '../../postgres/identifier.ts'
import { tablesOf } from '../models/index.ts'
import type { TableModel } from '../models/model.ts'

const events = [['INSERT', 'NEW'], ['UPDATE', 'NEW'], ['DELETE', 'OLD']] as const

export interface AuditTriggerOptions {
  /** Schema that holds the tables and audit_tenant_access. */
  readonly schema: string
  /** Default true; false removes the triggers. */
  readonly enabled?: boolean
}

/**
 * Statement triggers with transition tables, so a bulk write is one row of the trail; a statement that touches nothing
 * writes nothing. They run with the caller's rights: row security of the trail applies to them too. They take the place
 * of the row triggers of the fixture. https://www.postgresql.org/docs/current/sql-createtrigger.html
 */
export function auditTriggersSql(service: Service, { schema, enabled = true }: AuditTriggerOptions): string {
  const at = identifier(schema)
  const tables = tablesOf(service).filter((table) => table.placement === 'tenant' && table.mixin !== 'audit')
  return [
    ...(enabled ? [functionSql(at)] : []),
    ...tables.flatMap((table) => [
      `DROP TRIGGER IF EXISTS ${identifier(`audit_${table.name}`)} ON ${at}.${identifier(table.name)};`,
      ...events.map((event) => triggerSql(at, { table, event, enabled })),
    ]),
  ].join('\n')
}

/** The acting tenant is the session's; without a context, as in maintenance, each row's own. */
function functionSql(at: string): string {
  return `
CREATE OR REPLACE FUNCTION ${at}.audit_statement() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
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
REVOKE ALL ON FUNCTION ${at}.audit_statement() FROM PUBLIC;`
}

interface TriggerOptions {
  readonly table: TableModel
  readonly event: (typeof events)[number]
  readonly enabled: boolean
}

function triggerSql(at: string, { table, event: [event, side], enabled }: TriggerOptions): string {
  const name = identifier(`audit_${table.name}_${event.toLowerCase()}`)
  const on = `${at}.${identifier(table.name)}`
  const drop = `DROP TRIGGER IF EXISTS ${name} ON ${on};`
  if (!enabled) return drop
  return `${drop}
CREATE TRIGGER ${name} AFTER ${event} ON ${on} REFERENCING ${side} TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION ${at}.audit_statement();`
}
