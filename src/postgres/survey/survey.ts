/** Reads the system tables into a Catalog: everything later stages know of the database's shape. */

import type {
  Catalog,
  ForeignKey,
  FunctionEntry,
  Policy,
  Relation,
  RelationKind,
  RoleEntry,
  SchemaEntry,
  TypeEntry,
} from '../../model/catalog.ts'
import {
  contextRoleSql,
  foreignKeysSql,
  functionsSql,
  keysSql,
  policiesSql,
  relationsSql,
  rolesSql,
  schemasSql,
} from './survey-sql.ts'
import { typesSql } from './types-sql.ts'
import type { Session } from '../session/session.ts'

export interface SurveyOptions {
  /** Role of the application where a schema belongs to no tenant. */
  readonly application: string
  /** Role that the application takes in the schema of a tenant. */
  readonly roleBySchema: ReadonlyMap<string, string>
  /** Columns that carry the tenant, in order of preference. Default `tenant_id`. */
  readonly tenantColumns?: readonly string[]
}

type RawRelation = Omit<
  Relation,
  'kind' | 'primaryKey' | 'uniqueKeys' | 'foreignKeys' | 'policies' | 'tenantColumn' | 'updatable'
> & { readonly relkind: string; readonly relispartition: boolean; readonly events: number }
interface RawKey {
  readonly oid: number
  readonly primary: boolean
  readonly columns: readonly string[]
}

/** Needs a role that sees every relation (a superuser, or the owner of all). */
export async function survey(session: Session, options: SurveyOptions): Promise<Catalog> {
  const scope = { contextRole: contextRoleSql(options.roleBySchema, options.application) }
  const version = session.query(`SELECT current_setting('server_version_num') AS num`)
  const ask = async <T>(sql: string): Promise<readonly T[]> => {
    const [row] = await session.query(sql)
    return JSON.parse(String(row?.['answer'])) as T[]
  }
  const [relations, keys, foreignKeys, policies, functions, schemas, types] = await Promise.all([
    ask<RawRelation>(relationsSql(scope)),
    ask<RawKey>(keysSql),
    ask<ForeignKey & { oid: number }>(foreignKeysSql),
    ask<Policy & { oid: number }>(policiesSql),
    ask<FunctionEntry>(functionsSql(scope)),
    ask<SchemaEntry>(schemasSql),
    ask<TypeEntry>(typesSql),
  ])
  const serverVersionNum = Number((await version)[0]?.['num'])
  const roles = await ask<RoleEntry>(rolesSql(serverVersionNum))
  const tenantColumns = options.tenantColumns ?? ['tenant_id']
  const [keysOf, foreignKeysOf, policiesOf] = [
    groupByOid(keys),
    groupByOid(foreignKeys),
    groupByOid(policies),
  ]
  return {
    serverVersionNum,
    functions,
    types,
    roles,
    schemas,
    relations: relations.map(({ relkind, relispartition, events, ...raw }): Relation => ({
      ...raw,
      kind: kindOf(relkind, relispartition),
      updatable: updatableBy(events),
      primaryKey: keysOf.get(raw.oid)?.find((key) => key.primary)?.columns ?? [],
      uniqueKeys:
        keysOf
          .get(raw.oid)
          ?.filter((key) => !key.primary)
          .map((key) => key.columns) ?? [],
      foreignKeys: foreignKeysOf.get(raw.oid) ?? [],
      policies: policiesOf.get(raw.oid) ?? [],
      tenantColumn:
        tenantColumns.find((name) => raw.columns.some((column) => column.name === name)) ?? null,
    })),
  }
}

function groupByOid<T extends { readonly oid: number }>(
  entries: readonly T[],
): ReadonlyMap<number, readonly T[]> {
  const groups = new Map<number, T[]>()
  for (const entry of entries) {
    const group = groups.get(entry.oid)
    if (group === undefined) groups.set(entry.oid, [entry])
    else group.push(entry)
  }
  return groups
}

/** Bits 2, 3 and 4 of pg_relation_is_updatable() stand for UPDATE, INSERT and DELETE. */
function updatableBy(events: number): Relation['updatable'] {
  return (['UPDATE', 'INSERT', 'DELETE'] as const).filter(
    (_, index) => (events & (1 << (index + 2))) !== 0,
  )
}

function kindOf(relkind: string, isPartition: boolean): RelationKind {
  if (isPartition) return 'partition'
  const kinds: Readonly<Record<string, RelationKind>> = {
    r: 'table',
    p: 'partitioned table',
    v: 'view',
    m: 'materialized view',
    f: 'foreign table',
  }
  return kinds[relkind] ?? 'table'
}
