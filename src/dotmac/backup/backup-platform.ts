/** Where a backup is taken from or restored to: both databases, and sessions that row security hides nothing from. */

import { WatertightError } from '../../errors.ts'
import type { Service, TenancyName } from '../../model/tenancy.ts'
import type { ServerAddress } from '../../postgres/session/server-address.ts'
import { Session } from '../../postgres/session/session.ts'

export interface BackupPlatform {
  readonly tenancy: TenancyName
  /** Server of each database; its login must be a superuser or have BYPASSRLS and the tables' privileges. */
  readonly addresses: Readonly<Record<Service, ServerAddress>>
  readonly databases: Readonly<Record<Service, string>>
}

/** Both databases on one server. */
export function onOneServer(
  address: ServerAddress,
  platform: Omit<BackupPlatform, 'addresses'>,
): BackupPlatform {
  const { tenancy, databases } = platform
  return { tenancy, databases, addresses: { management: address, isp: address } }
}

const statementTimeoutMs = 6 * 3_600_000
const lockTimeoutMs = 10_000

/**
 * A session that sees every row or fails: row_security = off turns a policy that would filter into an
 * error. @throws WatertightError WATERTIGHT_RIGHTS, WATERTIGHT_UNREACHABLE, WATERTIGHT_LOGIN_REFUSED.
 * https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-ROW-SECURITY
 */
export async function openBackupSession(
  platform: BackupPlatform,
  service: Service,
): Promise<Session> {
  const session = await Session.connect({
    address: platform.addresses[service],
    database: platform.databases[service],
    pipeline: false,
    statementTimeoutMs,
    lockTimeoutMs,
  })
  try {
    await requireRights(session, platform.databases[service])
    await session.query(`SET synchronous_commit = on; ${seeingAll}`)
    return session
  } catch (error) {
    await session[Symbol.asyncDispose]()
    throw error
  }
}

/**
 * Every row or an error. Texts, and with them files and hashes, must not differ because a role or a database has
 * settings of its own.
 */
export const seeingAll = [
  'row_security = off',
  'TimeZone = UTC',
  'DateStyle = ISO',
  'IntervalStyle = postgres',
  'bytea_output = hex',
  'extra_float_digits = 1',
  `client_encoding = 'UTF8'`,
  'search_path = pg_catalog',
  `lc_monetary = 'C'`,
]
  .map((setting) => `SET ${setting}`)
  .join('; ')

async function requireRights(session: Session, database: string): Promise<void> {
  const [row] = await session.query(`SELECT rolsuper OR rolbypassrls AS may, rolname AS who
    FROM pg_catalog.pg_roles WHERE rolname = current_user`)
  if (row?.['may'] === 't') return
  throw new WatertightError(
    'WATERTIGHT_RIGHTS',
    `Row security hides rows of ${database} from the role ${String(row?.['who'])}: its backup would be empty or short`,
    { hint: 'Name a superuser or a role with BYPASSRLS in --target' },
  )
}
