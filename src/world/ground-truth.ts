/** What the admin sees when a world is opened: how many rows each tenant owns, and some of them. */

import { looksSealed } from './decoded.ts'
import { relationKey, type Catalog, type Relation } from '../model/catalog.ts'
import type { Row } from '../model/observation.ts'
import type { OwnershipOracle } from '../model/ownership.ts'
import type { TenantId } from '../model/tenant.ts'
import { identifier, qualified } from '../sql/identifier.ts'
import type { Session } from '../postgres/session/session.ts'

export interface RelationTruth {
  readonly rows: number
  /** True when rows exist and none belongs to a tenant. */
  readonly shared: boolean
  /** True when some content looks encrypted, so that nobody can tell whose the rows are. Default false. */
  readonly sealed?: boolean
  readonly rowsByOwner: ReadonlyMap<TenantId, number>
  readonly samplesByOwner: ReadonlyMap<TenantId, readonly Row[]>
}

/** By relationKey; relations that cannot be counted (views, foreign tables) are missing. */
export type GroundTruth = ReadonlyMap<string, RelationTruth>

const samplesMax = 3
/** Rows read of a relation without a tenant column, whose owners are recognised one by one. */
const unmarkedRowsMax = 5_000

/** Reads as superuser, so no policy filters what it sees. */
export async function readGroundTruth(
  admin: Session,
  catalog: Catalog,
  ownership: OwnershipOracle,
): Promise<GroundTruth> {
  const stored = catalog.relations.filter((relation) =>
    ['table', 'partitioned table', 'partition', 'materialized view'].includes(relation.kind),
  )
  const entries = await Promise.all(
    stored.map(async (relation) => {
      const owner = ownership.ownerByPlace(relation)
      const truth =
        owner !== null
          ? await ofOneTenant(admin, relation, owner)
          : relation.tenantColumn !== null
            ? await byTenantColumn(admin, relation, relation.tenantColumn)
            : await byRecognition(admin, relation, ownership)
      return [relationKey(relation), truth] as const
    }),
  )
  return new Map(entries)
}

/** Rows that contain a canary come first: no other row refers to them, so they can be deleted. */
const canaryFirst = `(t::text LIKE '%canary-%') DESC`

async function ofOneTenant(
  admin: Session,
  relation: Relation,
  owner: TenantId,
): Promise<RelationTruth> {
  const from = `FROM ${qualified(relation)} t`
  const [counted, samples] = await Promise.all([
    admin.query(`SELECT count(*) AS n ${from}`),
    admin.query(`SELECT t.* ${from} ORDER BY ${canaryFirst} LIMIT ${samplesMax}`),
  ])
  const rows = Number(counted[0]?.['n'])
  return {
    rows,
    shared: false,
    rowsByOwner: new Map([[owner, rows]]),
    samplesByOwner: new Map([[owner, samples]]),
  }
}

async function byTenantColumn(
  admin: Session,
  relation: Relation,
  column: string,
): Promise<RelationTruth> {
  const [from, owner] = [`FROM ${qualified(relation)} t`, `t.${identifier(column)}::text`]
  const [counted, sampled] = await Promise.all([
    admin.query(`SELECT ${owner} AS owner, count(*) AS n ${from} GROUP BY 1`),
    admin.query(`SELECT * FROM (SELECT t.*, row_number() OVER (PARTITION BY ${owner}
      ORDER BY ${canaryFirst}) AS watertight_rank
      ${from}) s WHERE watertight_rank <= ${samplesMax} ORDER BY watertight_rank`),
  ])
  const rowsByOwner = new Map(
    counted.flatMap((row) =>
      row['owner'] === null || row['owner'] === undefined
        ? []
        : [[String(row['owner']), Number(row['n'])] as const],
    ),
  )
  const rows = counted.reduce((total, row) => total + Number(row['n']), 0)
  const plain = sampled.map(({ watertight_rank: _, ...row }) => row)
  return {
    rows,
    rowsByOwner,
    samplesByOwner: groupByOwner(plain, (row) => String(row[column])),
    shared: rows > 0 && rowsByOwner.size === 0,
  }
}

async function byRecognition(
  admin: Session,
  relation: Relation,
  ownership: OwnershipOracle,
): Promise<RelationTruth> {
  const found = await admin.query(
    `SELECT t.* FROM ${qualified(relation)} t LIMIT ${unmarkedRowsMax}`,
  )
  const owned = new Map<Row, TenantId>()
  for (const row of found) {
    const [owner] = ownership.ownersIn(row)
    if (owner !== undefined) owned.set(row, owner)
  }
  const samples = groupByOwner([...owned.keys()], (row) => owned.get(row) ?? '')
  const sealed = owned.size === 0 && found.some((row) => Object.values(row).some(looksSealed))
  // Nobody's rows can be in an empty table that the application cannot write.
  const written = relation.applicationPrivileges.some((right) => right !== 'SELECT')
  return {
    rows: found.length,
    shared: (found.length > 0 || !written) && owned.size === 0 && !sealed,
    sealed,
    rowsByOwner: new Map([...samples].map(([owner, rows]) => [owner, rows.length])),
    samplesByOwner: new Map(
      [...samples].map(([owner, rows]) => [owner, rows.slice(0, samplesMax)]),
    ),
  }
}

function groupByOwner(
  rows: readonly Row[],
  ownerOf: (row: Row) => TenantId,
): Map<TenantId, readonly Row[]> {
  const groups = new Map<TenantId, Row[]>()
  for (const row of rows) {
    const owner = ownerOf(row)
    const group = groups.get(owner)
    if (group === undefined) groups.set(owner, [row])
    else group.push(row)
  }
  return groups
}
