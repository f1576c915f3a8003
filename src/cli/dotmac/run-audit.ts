/** What `dotmac audit` does with its flags, and what it prints. */

import { ensureAuditPartitions, type AuditPartitions } from '../../dotmac/audit/partitions.ts'
import { readTrail, type TrailEntry } from '../../dotmac/audit/read-trail.ts'
import { mappedTenants } from '../../dotmac/migrations/migrate.ts'
import { tenantsHere, type TenantsHere, type TenantWithout } from '../../dotmac/tenants-here.ts'
import { WatertightError } from '../../errors.ts'
import { services, type Service } from '../../model/tenancy.ts'
import { visible } from '../../report/text.ts'
import { openPlatform, type PlatformSessions } from '../../reference/platform/platform-sessions.ts'
import {
  platformTarget,
  type PlatformFlags,
  type PlatformTarget,
} from '../../reference/platform/platform-target.ts'
import { reportFailure } from '../failure.ts'
import { toldWithout } from './told-without.ts'

type Given = Readonly<Record<string, unknown>>

/** @throws WatertightError WATERTIGHT_BAD_FLAG, WATERTIGHT_NO_TENANT, and those of readTrail. */
export async function runAuditList(given: Given, flags: PlatformFlags): Promise<number> {
  const target = platformTarget(flags)
  const limit = whole(given, 'limit', { least: 1, most: 100_000 })
  const since = sinceOf(given['since'])
  await using platform = await openPlatform(target, { seesAll: false })
  const trails = await trailsOf(platform, target, given['tenant'])
  const found: Record<string, readonly TrailEntry[]> = {}
  for (const service of services) {
    found[service] = await readTrail(platform.sessions[service], {
      tenancy: target.tenancy,
      roles: target.roles,
      schemas: trails.schemas[service],
      limit,
      refused: given['refused'] === true,
      ...(since === undefined ? {} : { since }),
      ...(typeof given['tenant'] === 'string' ? { tenant: given['tenant'] } : {}),
    })
  }
  console.log(
    given['json'] === true
      ? JSON.stringify(found, null, 2)
      : Object.entries(found)
          .flatMap(([service, entries]) => [
            `${service}: ${entries.length === 0 ? 'no entries' : `${entries.length} entries`}`,
            ...entries.map(lineOf),
          ])
          .join('\n'),
  )
  return toldWithout(trails.without)
}

/** Without --keep nothing is dropped. Exit 1 when a trail was in use for too long: the others are done all the same. */
export async function runAuditPartitions(given: Given, flags: PlatformFlags): Promise<number> {
  const target = platformTarget(flags)
  const ahead = whole(given, 'ahead', { least: 0, most: 120 })
  const keep =
    given['keep'] === undefined ? undefined : whole(given, 'keep', { least: 0, most: 1200 })
  await using platform = await openPlatform(target)
  const done: Record<string, Record<string, AuditPartitions>> = {}
  const failed: WatertightError[] = []
  const trails = await trailsOf(platform, target)
  for (const service of services) {
    for (const schema of trails.schemas[service]) {
      const options = { schema, now: new Date(), ahead, ...(keep === undefined ? {} : { keep }) }
      try {
        const made = await ensureAuditPartitions(platform.sessions[service], options)
        done[service] = { ...done[service], [schema]: made }
      } catch (error) {
        if (!(error instanceof WatertightError)) throw error
        failed.push(error)
      }
    }
  }
  console.log(
    given['json'] === true
      ? JSON.stringify(done, null, 2)
      : Object.entries(done)
          .flatMap(([service, schemas]) =>
            Object.entries(schemas).map(
              ([schema, { created, dropped, deleted }]) =>
                `${service} ${visible(schema)}: ${told('made', created)}, ${told('dropped', dropped)}` +
                (deleted === 0 ? '' : `, ${deleted} older entries deleted`),
            ),
          )
          .join('\n'),
  )
  for (const error of failed) reportFailure(error)
  const code = toldWithout(trails.without)
  return failed.length > 0 ? 1 : code
}

function told(what: string, names: readonly string[]): string {
  return names.length === 0 ? `nothing ${what}` : `${what} ${names.map(visible).join(' ')}`
}

interface Trails {
  /** Schemas that hold one. */
  readonly schemas: Readonly<Record<Service, readonly string[]>>
  readonly without: readonly TenantWithout[]
}

async function trailsOf(
  { sessions }: PlatformSessions,
  { tenancy }: PlatformTarget,
  tenant?: unknown,
): Promise<Trails> {
  const known = await mappedTenants(sessions.management, tenancy)
  const wanted = tenant === undefined ? known : known.filter(({ id }) => id === tenant)
  if (tenant !== undefined && wanted.length === 0) {
    throw new WatertightError(
      'WATERTIGHT_NO_TENANT',
      `There is no tenant ${JSON.stringify(tenant)}`,
      { hint: 'Name it as the tenants table of the management database does' },
    )
  }
  if (tenancy === 'row-level-security')
    return { schemas: { management: ['public'], isp: ['public'] }, without: [] }
  const question = { sessions, tenancy, tenants: wanted }
  const [management, isp] = [
    await tenantsHere('management', question),
    await tenantsHere('isp', question),
  ]
  const schemasOf = ({ here }: TenantsHere) => here.map(({ schema }) => schema)
  return {
    schemas: { management: schemasOf(management), isp: schemasOf(isp) },
    without: [...management.without, ...isp.without],
  }
}

function lineOf({ accessTime, tenantId, userId, success, ...entry }: TrailEntry): string {
  const outcome = success ? 'ok' : 'REFUSED'
  const from = [entry.clientIp, entry.userAgent]
    .filter((each) => each !== null)
    .map(visible)
    .join(' ')
  return (
    `  ${accessTime} ${visible(tenantId)} ${visible(userId)} ${outcome} ${visible(entry.operation)} ` +
    `${visible(entry.tableName)}${from === '' ? '' : ` from ${from}`}`
  )
}

const spans: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 }

function sinceOf(given: unknown): Date | undefined {
  if (given === undefined) return undefined
  const span = /^([1-9]\d{0,6})([mhd])$/.exec(String(given))
  const ago = Number(span?.[1]) * (spans[span?.[2] ?? ''] ?? 0)
  const time = new Date(span === null ? String(given) : Date.now() - ago)
  // The 31st of February would be the 3rd of March.
  const [, year, month, day] = /^(\d{4})-(\d{2})-(\d{2})/.exec(String(given)) ?? []
  const isDay =
    new Date(Date.UTC(Number(year), Number(month) - 1, Number(day))).getUTCDate() === Number(day)
  const isIso = span !== null || isDay
  if (isIso && !Number.isNaN(time.getTime())) return time
  throw new WatertightError('WATERTIGHT_BAD_FLAG', `--since ${JSON.stringify(given)} is no time`, {
    hint: 'Give an ISO time such as 2026-01-31 or 2026-01-31T08:00Z, or a span such as 90m, 24h, 7d',
  })
}

function whole(
  given: Given,
  flag: string,
  { least, most }: { least: number; most: number },
): number {
  const value = /^\d{1,9}$/.test(String(given[flag])) ? Number(given[flag]) : Number.NaN
  if (value >= least && value <= most) return value
  throw new WatertightError(
    'WATERTIGHT_BAD_FLAG',
    `--${flag} ${JSON.stringify(given[flag])} is no whole number from ${least} to ${most}`,
    { hint: `Give a number from ${least} to ${most}` },
  )
}
