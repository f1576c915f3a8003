/**
 * Which relations show something else when rows of another one change: views over it, and tables whose policies ask
 * it, directly or through functions. After a write these are read beside what was written.
 */

import type { Session } from '../postgres/session/session.ts'

/** By oid: relations that depend on it, directly or not. */
export type Coupling = ReadonlyMap<number, ReadonlySet<number>>

/**
 * A function that builds its statements, or calls another one of the users, may ask any table.
 * https://www.postgresql.org/docs/current/catalog-pg-depend.html
 */
const edgesSql = `
WITH mine AS (SELECT p.oid, p.proname, p.prosrc FROM pg_catalog.pg_proc p JOIN pg_catalog.pg_namespace n
    ON n.oid = p.pronamespace WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')),
  askers AS (
    SELECT d.refclassid, d.refobjid, p.polrelid AS asker FROM pg_catalog.pg_policy p
      JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_policy'::regclass AND d.objid = p.oid
    UNION SELECT d.refclassid, d.refobjid, r.ev_class FROM pg_catalog.pg_rewrite r
      JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::regclass AND d.objid = r.oid),
  opaque AS (SELECT f.oid FROM mine f WHERE f.prosrc ~* '\\mexecute\\M'
    OR EXISTS (SELECT FROM mine g WHERE g.oid <> f.oid AND strpos(f.prosrc, g.proname) > 0))
SELECT a.refobjid::int AS asked, a.asker::int AS asker FROM askers a
  WHERE a.refclassid = 'pg_catalog.pg_class'::regclass AND a.refobjid <> a.asker
UNION SELECT c.oid::int, a.asker::int FROM askers a JOIN mine f ON f.oid = a.refobjid
    AND a.refclassid = 'pg_catalog.pg_proc'::regclass
  JOIN pg_catalog.pg_class c ON c.relkind IN ('r', 'p') AND c.oid <> a.asker AND (strpos(f.prosrc, c.relname) > 0
    OR f.oid IN (SELECT oid FROM opaque)
    OR EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.classid = 'pg_catalog.pg_proc'::regclass
      AND d.objid = f.oid AND d.refobjid = c.oid))`

export async function readCoupling(admin: Session): Promise<Coupling> {
  const direct = new Map<number, Set<number>>()
  for (const row of await admin.query(edgesSql)) {
    const asked = Number(row['asked'])
    direct.set(asked, (direct.get(asked) ?? new Set()).add(Number(row['asker'])))
  }
  return new Map([...direct.keys()].map((oid) => [oid, reachedFrom(oid, direct)]))
}

function reachedFrom(
  oid: number,
  direct: ReadonlyMap<number, ReadonlySet<number>>,
): ReadonlySet<number> {
  const reached = new Set<number>()
  const waiting = [oid]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    for (const asker of direct.get(next) ?? []) {
      if (reached.has(asker)) continue
      reached.add(asker)
      waiting.push(asker)
    }
  }
  return reached
}
