/** What a script may leave in the session: settings, its identity and temporary relations outlive a COMMIT. */

import type { Row } from '../../model/observation.ts'
import { literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'

export interface SessionState {
  readonly login: string
  readonly role: string
  /** The tenant's context, which pg_settings does not show. */
  readonly tenant: string
  readonly settings: readonly Row[]
}

export async function stateOf(session: Session): Promise<SessionState> {
  const [row] = await session.query(`SELECT session_user AS login, current_setting('role') AS role,
    coalesce(current_setting('app.current_tenant_id', true), '') AS tenant`)
  const settings = await session.query(
    `SELECT name, setting FROM pg_catalog.pg_settings WHERE ${isSet}`,
  )
  return {
    login: String(row?.['login']),
    role: String(row?.['role']),
    tenant: String(row?.['tenant']),
    settings,
  }
}

/** Those of the transaction end with it and cannot be set late. */
const isSet = "source = 'session' AND name !~ '^transaction_'"

/**
 * Puts back what it finds changed, so that neither the guards nor the next migration run under it, and drops the
 * temporary relations of this transaction: one called like a table of the platform would be taken in its place.
 */
export async function bringBack(
  session: Session,
  { login, role, tenant, settings }: SessionState,
): Promise<void> {
  await session.query(`SELECT pg_catalog.set_config('session_authorization', ${literal(login)}, false),
    pg_catalog.set_config('role', ${literal(role)}, false),
    pg_catalog.set_config('app.current_tenant_id', ${literal(tenant)}, false)`)
  await session.query(`SELECT pg_catalog.set_config(s.name, coalesce(b.setting, s.reset_val), false)
    FROM pg_catalog.pg_settings s
    LEFT JOIN json_to_recordset(${literal(JSON.stringify(settings))}) AS b (name text, setting text) USING (name)
    WHERE (${isSet} OR b.name IS NOT NULL) AND s.setting IS DISTINCT FROM coalesce(b.setting, s.reset_val)`)
  // What depends on another, or a table owns, is gone with that.
  await session.query(`DO $$ DECLARE kind text; name text; BEGIN
    FOR kind, name IN SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, c.relname
      FROM pg_catalog.pg_class c WHERE c.relnamespace = pg_my_temp_schema() AND c.relkind IN ('r', 'p', 'v', 'S')
        AND age(c.xmin) <= 0 AND c.relname !~ '^dotmac_(tables|views)_before$' LOOP
      EXECUTE format('DROP %s IF EXISTS pg_temp.%I CASCADE', kind, name);
    END LOOP; END $$`)
}
