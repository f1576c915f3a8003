/** Views of tenants' rows that a migration makes or changes: no guard line is for them, so they are judged here. */

import type { Row } from '../../model/observation.ts'
import { literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import { writtenNow, type Remembering } from './remembered-tables.ts'

const views = `pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_catalog.pg_rewrite w ON w.ev_class = c.oid AND w.rulename = '_RETURN'
  WHERE c.relkind IN ('v', 'm') AND n.nspname !~ '^(pg_|information_schema$)'`

/** Every change of a view, its rights or its text writes one of its two rows anew. */
const isWritten = `(${writtenNow('c')} OR ${writtenNow('w')})`

/** Keeps those that this transaction wrote before, in a temporary table that `openedViews` drops. */
export async function rememberViews(session: Session): Promise<void> {
  await session.query(`CREATE TEMPORARY TABLE dotmac_views_before ON COMMIT DROP AS
    SELECT c.oid AS view_oid, c.xmin AS row, w.xmin AS rule FROM ${views} AND ${isWritten}`)
}

export interface OpenedView {
  readonly name: string
  readonly reason: string
}

/**
 * New and changed views of tenants' rows that somebody beside the owner and the reporting role reads: materialized ones
 * (policies do not filter them), those that read with rights that no policy binds, and of one tenant's schema those
 * that another role reads or that read another schema's rows. What a view's own condition filters is not judged.
 * https://www.postgresql.org/docs/current/rules-privileges.html
 */
export async function openedViews(
  session: Session,
  { schemas, scope }: Remembering,
): Promise<readonly OpenedView[]> {
  const { roles, onlyTenant } = scope
  const own = [roles.owner, roles.admin, ...(onlyTenant === undefined ? [] : [onlyTenant.role])]
  const rows = await session.query(`WITH RECURSIVE touched AS (
      SELECT c.oid AS view_oid FROM ${views} AND ${isWritten} AND NOT EXISTS (
        SELECT FROM pg_temp.dotmac_views_before b WHERE b.view_oid = c.oid AND b.row = c.xmin AND b.rule = w.xmin)),
    reads AS (
      SELECT view_oid AS reader, view_oid AS read FROM touched
      UNION SELECT r.reader, d.refobjid FROM reads r JOIN pg_catalog.pg_rewrite w ON w.ev_class = r.read
        JOIN pg_catalog.pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
        WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid <> r.read),
    through AS (
      SELECT r.reader, o.rolname AS owner, o.rolsuper OR o.rolbypassrls AS is_free, o.oid AS owner_oid
      FROM reads r JOIN pg_catalog.pg_class c ON c.oid = r.read JOIN pg_catalog.pg_roles o ON o.oid = c.relowner
      WHERE c.relkind = 'v' AND NOT EXISTS (SELECT FROM unnest(c.reloptions) option
        WHERE option ~* '^security_invoker=(true|on|yes|1)$')),
    tenants AS (
      SELECT r.reader, t.oid, t.relowner, t.relrowsecurity AS secured, t.relforcerowsecurity AS forced,
        n.nspname AS schema
      FROM reads r JOIN pg_catalog.pg_class t ON t.oid = r.read AND t.relkind IN ('r', 'p', 'f')
      JOIN pg_catalog.pg_namespace n ON n.oid = t.relnamespace
      WHERE EXISTS (SELECT FROM pg_catalog.pg_attribute a
        WHERE a.attrelid = t.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
    SELECT CASE WHEN n.nspname IN (${schemas.map(literal).join(', ')}) THEN quote_ident(c.relname)
        ELSE format('%I.%I', n.nspname, c.relname) END AS name,
      c.relkind = 'm' AS stored,
      (SELECT min(coalesce(g.rolname, 'PUBLIC')) FROM (
          SELECT a.grantee FROM aclexplode(c.relacl) a UNION ALL SELECT a.grantee FROM pg_catalog.pg_attribute t,
            aclexplode(t.attacl) a WHERE t.attrelid = c.oid) r LEFT JOIN pg_catalog.pg_roles g ON g.oid = r.grantee
        WHERE r.grantee <> c.relowner AND coalesce(g.rolname, 'PUBLIC') NOT IN (${own.map(literal).join(', ')}))
        AS reader,
      (SELECT min(h.owner) FROM through h WHERE h.reader = c.oid AND (h.is_free OR EXISTS (SELECT FROM tenants t
        WHERE t.reader = c.oid AND NOT (t.secured AND (t.forced OR t.relowner <> h.owner_oid))))) AS unbound,
      (SELECT min(t.schema) FROM tenants t WHERE t.reader = c.oid
        AND t.schema NOT IN (${schemas.map(literal).join(', ')})) AS elsewhere
    FROM touched v JOIN pg_catalog.pg_class c ON c.oid = v.view_oid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE EXISTS (SELECT FROM tenants t WHERE t.reader = c.oid) ORDER BY c.oid`)
  await session.query('DROP TABLE pg_temp.dotmac_views_before')
  return rows.flatMap((row) => {
    const reason = onlyTenant === undefined ? sharedReason(row) : ownReason(row)
    return reason === null ? [] : [{ name: String(row['name']), reason }]
  })
}

function sharedReason({ reader, stored, unbound }: Row): string | null {
  if (typeof reader !== 'string') return null
  if (stored === 't')
    return `policies do not filter a materialized view, and ${reader} has rights on it`
  return typeof unbound !== 'string'
    ? null
    : `it reads tenants' rows with the rights of ${unbound}, which no policy binds, and ${reader} has rights on it`
}

function ownReason({ reader, elsewhere }: Row): string | null {
  if (typeof elsewhere === 'string') return `it reads tenants' rows of the schema ${elsewhere}`
  return typeof reader === 'string' ? `${reader} has rights on it` : null
}
