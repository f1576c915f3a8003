/** Constraints that are checked by triggers, made good by queries after triggers were silenced. */

import { literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { TenantTable } from './tenant-tables.ts'
import { mismatch } from './verify-backup.ts'

/**
 * Foreign keys, and unique and exclusion constraints that are deferrable: each reference of, or to, the tenant's rows
 * finds its row, and no row, whoever owns it, stands against one of them. @throws WATERTIGHT_BACKUP_MISMATCH.
 */
export async function requireConstraints(
  session: Session,
  tables: readonly TenantTable[],
): Promise<void> {
  await requireReferences(session, tables)
  await requireUniqueness(session, tables)
}

function relationList(tables: readonly TenantTable[]): string {
  return tables.map(({ address }) => `${literal(address)}::regclass`).join(', ')
}

function whereOf(tables: readonly TenantTable[], alias: string): ReadonlyMap<string, string> {
  return new Map(
    tables.map(({ address, where }) => [
      address,
      where.replace(/^tenant_id/, `${alias}.tenant_id`),
    ]),
  )
}

/** Keys without tenant_id may bind rows of others, so then all rows of the referring table are asked. */
async function requireReferences(session: Session, tables: readonly TenantTable[]): Promise<void> {
  const keys =
    await session.query(`SELECT conname AS name, conrelid::regclass AS child, confrelid::regclass AS parent,
      (SELECT format('"%s"."%s"', replace(n.nspname, '"', '""'), replace(c.relname, '"', '""'))
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = conrelid) AS address,
      (SELECT string_agg(format('c.%I = p.%I', a.attname, b.attname), ' AND ')
        FROM unnest(k.conkey, k.confkey) AS pair (one, other)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.one
        JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = pair.other) AS joined,
      (SELECT string_agg(format('c.%I IS NOT NULL', a.attname), ' AND ')
        FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey)) AS given,
      conrelid IN (${relationList(tables)}) AND (confrelid NOT IN (${relationList(tables)}) OR EXISTS (
        SELECT FROM unnest(k.conkey, k.confkey) AS pair (one, other)
        JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = pair.one AND a.attname = 'tenant_id'
        JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = pair.other AND b.attname = 'tenant_id')) AS own
    FROM pg_constraint k WHERE contype = 'f' AND conparentid = 0
      AND (conrelid IN (${relationList(tables)}) OR confrelid IN (${relationList(tables)}))`)
  const own = whereOf(tables, 'c')
  for (const key of keys) {
    const text = (name: string) => String(key[name])
    const [row] = await session.query(`SELECT count(*) AS n FROM ${text('child')} c
      WHERE ${text('own') === 't' ? (own.get(text('address')) ?? 'true') : 'true'} AND ${text('given')}
      AND NOT EXISTS (SELECT FROM ${text('parent')} p WHERE ${text('joined')})`)
    if (row?.['n'] !== '0')
      throw mismatch(`${String(row?.['n'])} rows of ${text('child')} break ${text('name')}`)
  }
}

/** By the operators of the constraint's own index; one with an expression cannot be asked for and is refused. */
async function requireUniqueness(session: Session, tables: readonly TenantTable[]): Promise<void> {
  const own = whereOf(tables, 'a')
  for (const { address } of tables) {
    const keys =
      await session.query(`SELECT k.conname AS name, 0 = ANY (k.conkey) OR i.indpred IS NOT NULL
          OR to_jsonb(i) ->> 'indnullsnotdistinct' = 'true' AS strange,
        (SELECT string_agg(format('a.%1$I OPERATOR(%2$s) b.%1$I', c.attname,
            (SELECT quote_ident(n.nspname) || '.' || p.oprname FROM pg_operator p
              JOIN pg_namespace n ON n.oid = p.oprnamespace
              WHERE p.oid = coalesce(k.conexclop[pair.place], m.amopopr))), ' AND ')
          FROM unnest(k.conkey) WITH ORDINALITY AS pair (number, place)
          JOIN pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = pair.number
          JOIN pg_opclass o ON o.oid = i.indclass[pair.place - 1]
          LEFT JOIN pg_amop m ON m.amopfamily = o.opcfamily AND m.amoplefttype = o.opcintype
            AND m.amoprighttype = o.opcintype AND m.amopstrategy = 3) AS against
      FROM pg_constraint k JOIN pg_index i ON i.indexrelid = k.conindid
      WHERE k.contype IN ('p', 'u', 'x') AND k.condeferrable AND k.conrelid = ${literal(address)}::regclass`)
    for (const { name, against, strange } of keys) {
      if (strange === 't')
        throw mismatch(`${String(name)} of ${address} is deferrable, and no query can check it`)
      const [row] = await session.query(`SELECT count(*) AS n FROM ${address} a JOIN ${address} b
        ON ${String(against)} AND (a.tableoid, a.ctid) <> (b.tableoid, b.ctid) WHERE ${own.get(address) ?? 'true'}`)
      if (row?.['n'] !== '0')
        throw mismatch(`${String(row?.['n'])} rows of ${address} break ${String(name)}`)
    }
  }
}
