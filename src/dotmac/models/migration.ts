/** The migration that makes the tables of new models: an application declares them and commits the file. */

import { WatertightError } from '../../errors.ts'
import type { TenancyName } from '../../model/tenancy.ts'
import { identifier } from '../../sql/identifier.ts'
import { hardenedTableSql } from '../policies.ts'
import { createKeysSql, createTablesSql, updatedAtSql } from './ddl.ts'
import { tablesOf } from './index.ts'
import type { TableModel } from './model.ts'
import { sequencesOf } from './names.ts'

/** As migration files write the names that are put in when they run. */
const roles = { owner: '@owner@', app: '@app@', admin: '@admin@' }

/**
 * Text of a file for <service>/migrations/shared-tables, or tenant-schema under schema-per-tenant: tables, the seed's
 * indexes, keys, updated_at, rights (and policies where tenants share the tables), and the guards that prove them.
 * `beside` are models of earlier migrations that these refer to; the platform's own are known.
 * @throws WatertightError WATERTIGHT_MODEL for models of two services, of no tenant, or with references to nothing.
 */
export function migrationSql(
  models: readonly TableModel[],
  {
    tenancy,
    beside = [],
  }: { readonly tenancy: TenancyName; readonly beside?: readonly TableModel[] },
): string {
  const [first] = models
  const odd = models.find(
    ({ service, placement }) => service !== first?.service || placement !== 'tenant',
  )
  if (first === undefined || odd !== undefined) {
    throw refused(
      odd?.name ?? '',
      'a migration is of one service, and of tables with rows of tenants',
    )
  }
  const there = [...tablesOf(first.service), ...beside]
  const known = new Set([...there, ...models].map(({ name }) => name))
  const doubled = models.find(
    ({ name }, index) =>
      there.some((each) => each.name === name) ||
      models.findIndex((each) => each.name === name) !== index,
  )
  if (doubled !== undefined) throw refused(doubled.name, 'there is a table of that name already')
  for (const { name, references } of models) {
    const lost = references.find(({ table }) => !known.has(table))
    if (lost !== undefined)
      throw refused(name, `${lost.column} refers to ${lost.table}, which is in no model`)
  }
  const sql = tenancy === 'row-level-security' ? sharedSql(models, there) : ownSql(models, there)
  return `${[...models.map(guardLines), sql].join('\n')}\n`
}

function sharedSql(models: readonly TableModel[], there: readonly TableModel[]): string {
  const options = {
    schemaOf: () => 'public',
    keys: 'tenant' as const,
    beside: there,
    triggersOnly: true,
  }
  return [
    createTablesSql(models, options),
    createKeysSql(models, options),
    updatedAtSql(models, options),
    ...models.map((model) => hardenedTableSql(model, { schema: 'public', roles })),
    ...sequenceRights(models, { schema: 'public', writer: roles.app }),
  ].join('\n')
}

function ownSql(models: readonly TableModel[], there: readonly TableModel[]): string {
  const schema = '@schema@'
  const options = {
    schemaOf: ({ placement }: TableModel) => (placement === 'tenant' ? schema : ''),
    keys: 'tenant' as const,
    onlyTenant: '@tenant@',
    beside: there,
    triggersOnly: true,
  }
  return [
    createTablesSql(models, options),
    createKeysSql(models, options),
    updatedAtSql(models, options),
    ...models.map(({ name, privileges }) => {
      const at = `${identifier(schema)}.${identifier(name)}`
      return `ALTER TABLE ${at} OWNER TO ${identifier(roles.owner)};
GRANT ${privileges.join(', ')} ON ${at} TO "@role@";
GRANT SELECT ON ${at} TO ${identifier(roles.admin)};`
    }),
    ...sequenceRights(models, { schema, writer: '@role@' }),
  ].join('\n')
}

function sequenceRights(
  models: readonly TableModel[],
  { schema, writer }: { readonly schema: string; readonly writer: string },
): readonly string[] {
  return models.flatMap(sequencesOf).map((name) => {
    const at = `${identifier(schema)}.${identifier(name)}`
    return `ALTER SEQUENCE ${at} OWNER TO ${identifier(roles.owner)};
GRANT USAGE ON SEQUENCE ${at} TO ${identifier(writer)};`
  })
}

function guardLines({ name, columns, references }: TableModel): string {
  const searched = [
    ...references.map(({ column }) => column),
    ...columns.filter(({ indexed }) => indexed === true).map((column) => column.name),
  ]
  const table = identifier(name)
  return `-- guard: ensureTenantColumn(${table})
-- guard: ensureTenantIndexes(${[table, ...searched.map(identifier)].join(', ')})
-- guard: validateTenantIsolation(${table})`
}

function refused(name: string, sentence: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_MODEL',
    `No migration can be made of the model ${JSON.stringify(name)}: ${sentence}`,
    {
      hint: "Give models of one service, with their tenants' rows, and those that they refer to as `beside`",
    },
  )
}
