/** Turns table models into DDL. It knows keys and schemas, nothing of policies or grants. */

import { identifier, literal } from '../../sql/identifier.ts'
import { columnsOf, isTenantAware, type ColumnModel, type TableModel } from './model.ts'
import { indexesOf, partitionNames, sequencesOf } from './names.ts'

export interface DdlOptions {
  /** Schema of a table; foreign keys to tables of another schema are left out. */
  readonly schemaOf: (table: TableModel) => string
  /**
   * `tenant`: every key and foreign key contains tenant_id, so that no key can tell of, or bind to,
   * another tenant's row. `id`: primary key (id), as the seed document writes it.
   */
  readonly keys: 'tenant' | 'id'
  /** Under schema-per-tenant: the only tenant_id that rows of this schema may carry. */
  readonly onlyTenant?: string
}

/** CREATE TABLE (and sequences, partitions) without indexes: rows are loaded in between. */
export function createTablesSql(tables: readonly TableModel[], options: DdlOptions): string {
  return tables
    .map((table) =>
      [
        ...sequencesOf(table).map(
          (name) => `CREATE SEQUENCE ${identifier(options.schemaOf(table))}.${identifier(name)};`,
        ),
        createTableSql(table, options),
        ...partitionsSql(table, options),
      ].join('\n'),
    )
    .join('\n')
}

/** The seed's index strategy under the seed's names, then the foreign keys. */
export function createKeysSql(
  tables: readonly TableModel[],
  options: DdlOptions & {
    /** Tables that are there already, for foreign keys to them. */
    readonly beside?: readonly TableModel[]
  },
): string {
  // In a schema of one tenant tenant_id is constant: leading with it, no index would serve a query that
  // rightly does not mention it (a page ordered by created_at took 14 times as long).
  const indexed = (columns: readonly string[]) =>
    options.onlyTenant !== undefined && columns.length > 1
      ? columns.filter((name) => name !== 'tenant_id')
      : columns
  const indexes = tables.flatMap((table) =>
    indexesOf(table).map((index) => {
      const columns = indexed(index.columns).map(identifier).join(', ')
      return (
        `CREATE ${index.unique ? 'UNIQUE ' : ''}INDEX ${identifier(index.name)} ` +
        `ON ${address(table, options)} (${columns});`
      )
    }),
  )
  const all = [...(options.beside ?? []), ...tables]
  return [...indexes, ...tables.flatMap((table) => foreignKeysSql(table, all, options))].join('\n')
}

/**
 * Keeps updated_at: one function in each schema, one trigger on each table that has the column. A value that
 * the statement sets itself stays, so that a restore brings back what was saved.
 */
export function updatedAtSql(
  tables: readonly TableModel[],
  options: Pick<DdlOptions, 'schemaOf'> & {
    /** The schema has the function already. */
    readonly triggersOnly?: boolean
  },
): string {
  const dated = tables.filter((table) => columnsOf(table).some(({ name }) => name === 'updated_at'))
  const schemas =
    options.triggersOnly === true
      ? []
      : [...new Set(dated.map((table) => identifier(options.schemaOf(table))))]
  return [
    ...schemas.map(
      (schema) => `CREATE FUNCTION ${schema}.touch_updated_at() RETURNS trigger
  LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END;
$$;
REVOKE ALL ON FUNCTION ${schema}.touch_updated_at() FROM PUBLIC;`,
    ),
    ...dated.map((table) => {
      const schema = identifier(options.schemaOf(table))
      return `CREATE TRIGGER touch_updated_at BEFORE UPDATE ON ${schema}.${identifier(table.name)} FOR EACH ROW
  WHEN (NEW.updated_at IS NOT DISTINCT FROM OLD.updated_at) EXECUTE FUNCTION ${schema}.touch_updated_at();`
    }),
  ].join('\n')
}

function address(table: TableModel, options: DdlOptions): string {
  return `${identifier(options.schemaOf(table))}.${identifier(table.name)}`
}

function createTableSql(table: TableModel, options: DdlOptions): string {
  const columns = columnsOf(table).map((column) => columnSql(table, column, options))
  const only = options.onlyTenant
  const check =
    only === undefined || table.placement !== 'tenant'
      ? []
      : [
          `CONSTRAINT ${identifier(`${table.name}_only_tenant`)} CHECK (tenant_id = ${literal(only)})`,
        ]
  const partition = isPartitioned(table, options) ? ' PARTITION BY HASH (tenant_id)' : ''
  return `CREATE TABLE ${address(table, options)} (\n  ${[
    ...columns,
    primaryKeySql(table, options),
    ...uniqueTenant(table),
    ...check,
  ].join(',\n  ')}\n)${partition};`
}

/** Control tables are referenced by tenant_id alone, so it is unique in them. */
function uniqueTenant(table: TableModel): readonly string[] {
  return table.placement === 'control' ? ['UNIQUE (tenant_id)'] : []
}

function columnSql(table: TableModel, column: ColumnModel, options: DdlOptions): string {
  const only =
    column.name === 'tenant_id' && table.placement === 'tenant' ? options.onlyTenant : undefined
  const fallback = only === undefined ? column.default : literal(only)
  const inSchema = fallback?.replace(
    /^nextval\('(\w+)'\)$/,
    (_, name: string) =>
      `nextval(${literal(`${identifier(options.schemaOf(table))}.${identifier(name)}`)}::regclass)`,
  )
  return [
    identifier(column.name),
    column.type,
    ...(column.notNull === false ? [] : ['NOT NULL']),
    ...(inSchema === undefined ? [] : [`DEFAULT ${inSchema}`]),
    ...(column.name === 'tenant_id' ? ["CHECK (tenant_id <> '')"] : []),
  ].join(' ')
}

function primaryKeySql(table: TableModel, options: DdlOptions): string {
  if (!isTenantAware(table)) return `PRIMARY KEY (${identifier(table.columns[0]?.name ?? '')})`
  const both = options.keys === 'tenant' || isPartitioned(table, options)
  return both ? 'PRIMARY KEY (tenant_id, id)' : 'PRIMARY KEY (id)'
}

/** A tenant's own schema holds one tenant: nothing to partition by. */
function isPartitioned(table: TableModel, options: DdlOptions): boolean {
  return table.hashPartitions !== undefined && options.onlyTenant === undefined
}

function partitionsSql(table: TableModel, options: DdlOptions): readonly string[] {
  if (!isPartitioned(table, options)) return []
  return partitionNames(table).map(
    (name, remainder, { length }) =>
      `CREATE TABLE ${identifier(options.schemaOf(table))}.${identifier(name)} ` +
      `PARTITION OF ${address(table, options)} ` +
      `FOR VALUES WITH (MODULUS ${length}, REMAINDER ${remainder});`,
  )
}

/** Deferrable, so that a blind DELETE can be tried and undone without the order of tables mattering. */
function foreignKeysSql(
  table: TableModel,
  tables: readonly TableModel[],
  options: DdlOptions,
): readonly string[] {
  const near = (name: string) =>
    tables.find(
      (other) => other.name === name && options.schemaOf(other) === options.schemaOf(table),
    )
  const constraint = (name: string, columns: string, target: string) =>
    `ALTER TABLE ${address(table, options)} ADD CONSTRAINT ${identifier(name)} ` +
    `FOREIGN KEY (${columns}) REFERENCES ${target} DEFERRABLE INITIALLY IMMEDIATE;`
  const references = table.references.flatMap(({ column, table: name }) => {
    const target = near(name)
    if (target === undefined) return []
    const both = options.keys === 'tenant' || isPartitioned(target, options)
    return [
      constraint(
        `fk_${table.name}_${column}`,
        both ? `tenant_id, ${identifier(column)}` : identifier(column),
        `${address(target, options)} ${both ? '(tenant_id, id)' : '(id)'}`,
      ),
    ]
  })
  const control = tables.find((other) => other.placement === 'control')
  const owned =
    control !== undefined && table.placement === 'tenant' && near(control.name) !== undefined
  return owned
    ? [
        ...references,
        constraint(
          `fk_${table.name}_tenant`,
          'tenant_id',
          `${address(control, options)} (tenant_id)`,
        ),
      ]
    : references
}
