/** Versions of the tenants' schemas, all with one statement: there may be thousands. */

import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { MappedTenant } from './places.ts'
import { versionsSchema } from './remembered-tables.ts'

/** By schema; one that was never migrated is left out. */
export async function migratedVersions(
  session: Session,
  tenants: readonly MappedTenant[],
): Promise<ReadonlyMap<string, number>> {
  const migrated = new Set(
    (
      await session.query(`SELECT c.relname AS name FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ${literal(versionsSchema)} AND c.relkind = 'r'`)
    ).map((row) => row['name']),
  )
  const asked = tenants
    .filter(({ schema }) => migrated.has(schema))
    .map(
      ({ schema }) =>
        `SELECT ${literal(schema)} AS schema, max(version) AS version FROM ${versionsSchema}.${identifier(schema)}`,
    )
  const versions = new Map<string, number>()
  // Each table that a statement mentions is locked, and the server's list of locks is short.
  while (asked.length > 0) {
    for (const row of await session.query(asked.splice(0, tablesMax).join(' UNION ALL '))) {
      if (typeof row['version'] === 'string')
        versions.set(String(row['schema']), Number(row['version']))
    }
  }
  return versions
}

const tablesMax = 50
