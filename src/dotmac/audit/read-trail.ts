/** The audit trail of a database, for the operator: newest first, over all tenants or of one. */

import { WatertightError } from '../../errors.ts'
import type { TenancyName } from '../../model/tenancy.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { RoleNames } from '../../model/roles.ts'

export interface TrailEntry {
  readonly tenantId: string
  readonly userId: string
  readonly tableName: string
  readonly operation: string
  readonly success: boolean
  /** ISO 8601 in UTC, with microseconds. */
  readonly accessTime: string
  readonly clientIp: string | null
  readonly userAgent: string | null
}

export interface TrailQuestion {
  readonly tenancy: TenancyName
  readonly roles: RoleNames
  /** Schemas with a trail: `public` under row-level security, else the tenants'. */
  readonly schemas: readonly string[]
  readonly tenant?: string
  /** Entries of this time and later. */
  readonly since?: Date
  /** Only what was refused. Default false. */
  readonly refused?: boolean
  /** Entries at most, the newest; 1 to 100,000. */
  readonly limit: number
}

/**
 * @throws WatertightError WATERTIGHT_RIGHTS when the login sees only a part of the trail (it must be a superuser, have
 *   BYPASSRLS or be the reporting role): nothing recorded and nothing visible must not look the same.
 */
export async function readTrail(
  session: Session,
  question: TrailQuestion,
): Promise<readonly TrailEntry[]> {
  const { tenancy, roles, schemas, limit } = question
  if (tenancy === 'row-level-security') await requireSight(session, roles)
  const entries: TrailEntry[] = []
  for (const schema of schemas) {
    const rows =
      await session.query(`SELECT tenant_id, user_id, table_name, operation, success, user_agent,
        to_char(access_time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') AS time, host(client_ip) AS client_ip
      FROM ${identifier(schema)}.audit_tenant_access WHERE ${conditions(question)}
      ORDER BY access_time DESC LIMIT ${limit}`)
    entries.push(...rows.map(entryOf))
  }
  return entries
    .toSorted((a, b) => (b.accessTime < a.accessTime ? -1 : Number(b.accessTime > a.accessTime)))
    .slice(0, limit)
}

function conditions({ tenant, since, refused = false }: TrailQuestion): string {
  return [
    ...(tenant === undefined ? [] : [`tenant_id = ${literal(tenant)}`]),
    ...(since === undefined ? [] : [`access_time >= ${literal(since.toISOString())}`]),
    ...(refused ? ['NOT success'] : []),
    'true',
  ].join(' AND ')
}

async function requireSight(session: Session, { admin }: RoleNames): Promise<void> {
  const [row] = await session.query(`SELECT current_user AS who, rolsuper OR rolbypassrls
      OR rolname = ${literal(admin)} AS sees FROM pg_catalog.pg_roles WHERE rolname = current_user`)
  if (row?.['sees'] === 't') return
  throw new WatertightError(
    'WATERTIGHT_RIGHTS',
    `Row security hides the audit trail from ${String(row?.['who'])}`,
    { hint: `Read it as ${admin}, a superuser or a role with BYPASSRLS` },
  )
}

function entryOf(row: Readonly<Record<string, unknown>>): TrailEntry {
  const text = (name: string) => (row[name] === null ? null : String(row[name]))
  return {
    tenantId: String(row['tenant_id']),
    userId: String(row['user_id']),
    tableName: String(row['table_name']),
    operation: String(row['operation']),
    success: row['success'] === 't',
    accessTime: String(row['time']),
    clientIp: text('client_ip'),
    userAgent: text('user_agent'),
  }
}
