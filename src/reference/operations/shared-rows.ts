/** Rows that no tenant owns by a column: reference data, history of migrations, stored views. */

import type { Session } from '../../postgres/session/session.ts'
import { literal } from '../../sql/identifier.ts'
import type { CatalogStates } from './catalog-states.ts'

const relationsSql = `SELECT c.oid::regclass::text AS address
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname !~ '^pg_'
    AND (c.relkind = 'm' AND c.relispopulated OR c.relkind = 'r' AND NOT EXISTS (
      SELECT FROM pg_catalog.pg_attribute a
      WHERE a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped))
  ORDER BY 1`

/** By relation: rows and content hash. Needs a session that no policy binds; reads all in one statement. */
export async function readSharedRows(session: Session): Promise<CatalogStates> {
  const addresses = (await session.query(relationsSql)).map(({ address }) => String(address))
  if (addresses.length === 0) return new Map()
  const rows = await session.query(
    addresses
      .map(
        (address) => `SELECT ${literal(address)} AS address, count(*) || ' rows, ' ||
          coalesce(sum(hashtextextended(t::text, 0)::numeric), 0) AS state FROM ONLY ${address} t`,
      )
      .join(' UNION ALL '),
  )
  return new Map(rows.map(({ address, state }) => [`rows of ${String(address)}`, String(state)]))
}
