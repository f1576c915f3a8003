/** Drift: tenants' schemas that are at another version, or do not look as the migrations of their version make them. */

import type { Service } from '../../model/tenancy.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { MappedTenant } from './places.ts'
import { linesOf, shapesOf } from './shape.ts'
import { migratedVersions } from './versions.ts'

export interface TenantVersion {
  readonly tenant: string
  readonly service: Service
  /** Null when the schema is missing or was never migrated. */
  readonly version: number | null
  /** Hash over what the schema holds, rows excepted; null when the schema is missing. */
  readonly shape: string | null
  /** What the shape is the hash of, one line for each thing; of unusual shapes, and of one usual one. */
  readonly lines?: readonly string[]
}

/** What a schema should look like. */
export interface Expected {
  readonly version: number
  readonly shape: string
  readonly lines: readonly string[]
}

export interface Drift {
  readonly tenant: string
  readonly service: Service
  readonly sentence: string
}

/** Lines of more schemas are not kept: when everything drifted, these say enough. */
const linesMax = 100

/** Versions and shapes of the tenants' schemas in one database. */
export async function tenantVersions(
  session: Session,
  service: Service,
  tenants: readonly MappedTenant[],
): Promise<readonly TenantVersion[]> {
  const shapes = await shapesOf(session, tenants)
  const versions = await migratedVersions(session, tenants)
  const all = tenants.map(({ id, schema }) => ({
    tenant: id,
    service,
    version: versions.get(schema) ?? null,
    shape: shapes.get(schema) ?? null,
  }))
  // One of each usual shape as well, to compare with.
  const shown = new Set<string>()
  for (const version of new Set(all.map((each) => each.version))) {
    const same = all.filter((each) => each.version === version)
    const usual = usualShape(same)
    for (const each of [
      same.find(({ shape }) => shape === usual),
      ...same.filter(({ shape }) => shape !== usual),
    ]) {
      if (each !== undefined) shown.add(each.tenant)
    }
  }
  const lines = await linesOf(session, tenants.filter(({ id }) => shown.has(id)).slice(0, linesMax))
  return all.map((each, index) => {
    const own = lines.get(tenants[index]?.schema ?? '')
    return own === undefined ? each : { ...each, lines: own }
  })
}

/**
 * Pure: who differs from the newest version, and from what is expected of it; where nothing is, from the shape that
 * most tenants of the same version have.
 */
export function driftOf(versions: readonly TenantVersion[], expected?: Expected): readonly Drift[] {
  const newest = Math.max(0, ...versions.map(({ version }) => version ?? 0))
  return versions.flatMap(({ tenant, service, version, shape }): readonly Drift[] => {
    if (shape === null) return [{ tenant, service, sentence: 'has no schema' }]
    if (version !== newest)
      return [{ tenant, service, sentence: `is at version ${version ?? 'none'}, not ${newest}` }]
    const like =
      expected?.version === version
        ? expected
        : usualOf(versions.filter((each) => each.version === version))
    if (like === null || shape === like.shape) return []
    const { lines } =
      versions.find((each) => each.shape === shape && each.lines !== undefined) ?? {}
    if (differsByName(tenant, lines, like.lines)) return []
    return [
      {
        tenant,
        service,
        sentence: `does not look like version ${version}${differences(lines, like.lines)}`,
      },
    ]
  })
}

function usualOf(
  versions: readonly TenantVersion[],
): Pick<TenantVersion, 'shape' | 'lines'> | null {
  const usual = usualShape(versions)
  return (
    versions.find(({ shape, lines }) => shape === usual && lines !== undefined) ??
    versions.find(({ shape }) => shape === usual) ??
    null
  )
}

function usualShape(versions: readonly TenantVersion[]): string | null {
  const counts = new Map<string | null, number>()
  for (const { shape } of versions) counts.set(shape, (counts.get(shape) ?? 0) + 1)
  return (
    [...counts].toSorted(([a, m], [b, n]) => n - m || String(a).localeCompare(String(b)))[0]?.[0] ??
    null
  )
}

/**
 * Of the lines the tenant's own name is taken out; where that is also a word of the definitions (`pg_catalog`) it is
 * missing there, so it is taken out of what they are compared with too.
 */
function differsByName(
  tenant: string,
  own: readonly string[] | undefined,
  others: readonly string[] | undefined,
): boolean {
  if (own === undefined || others === undefined) return false
  const name = `'${tenant.replaceAll("'", "''")}'`
  const nameless = others.map((line) => line.replaceAll(name, 'the tenant')).toSorted()
  const sorted = own.toSorted()
  return (
    sorted.length === nameless.length && sorted.every((line, index) => line === nameless[index])
  )
}

const differencesMax = 3
/** A change of owner takes all rights along; that is the consequence, and is told last. */
const right = /^it \w+ [A-Z]+ of /

function differences(
  own: readonly string[] | undefined,
  others: readonly string[] | undefined,
): string {
  if (own === undefined || others === undefined) return ''
  const [mine, theirs] = [new Set(own), new Set(others)]
  const found = [
    ...others.filter((line) => !mine.has(line)).map((line) => `it lacks ${line}`),
    ...own.filter((line) => !theirs.has(line)).map((line) => `it has ${line}`),
  ].toSorted((a, b) => Number(right.test(a)) - Number(right.test(b)))
  const more = found.length > differencesMax ? `; and ${found.length - differencesMax} more` : ''
  return found.length === 0 ? '' : `: ${found.slice(0, differencesMax).join('; ')}${more}`
}
