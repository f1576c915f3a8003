/** The seed's mixins: how a table is declared, with the type of its rows kept. */

import type { TablePrivilege } from '../../model/catalog.ts'
import type { Service } from '../../model/tenancy.ts'
import { assertModel } from './assert-model.ts'
import type { ColumnModel, Mixin, ReferenceModel, TableModel } from './model.ts'

const readWrite: readonly TablePrivilege[] = ['SELECT', 'INSERT', 'UPDATE', 'DELETE']

export interface TableOptions extends Partial<Omit<TableModel, 'service' | 'name' | 'columns'>> {
  readonly columns: readonly ColumnModel[]
}

/** A model that remembers the names of its columns, so that the type of its rows follows from it. */
export type NamedModel<
  Name extends string,
  M extends Mixin,
  Options extends TableOptions,
> = TableModel & {
  readonly name: Name
  readonly mixin: M
  readonly columns: Options['columns']
  readonly references: Options['references'] extends readonly ReferenceModel[]
    ? Options['references']
    : readonly []
}

/**
 * A table with the columns of the seed's ISPModelMixin.
 * @throws WatertightError WATERTIGHT_MODEL for what PostgreSQL would refuse, or cut to another name.
 */
export function ispModel<const Name extends string, const Options extends TableOptions>(
  name: Name,
  options: Options,
): NamedModel<Name, 'isp', Options> {
  return withDefaults({ service: 'isp', name, mixin: 'isp' }, options) as NamedModel<
    Name,
    'isp',
    Options
  >
}

/** A table with the columns of the seed's ManagementModelMixin. @throws WatertightError WATERTIGHT_MODEL. */
export function managementModel<const Name extends string, const Options extends TableOptions>(
  name: Name,
  options: Options,
): NamedModel<Name, 'management', Options> {
  const identity = { service: 'management', name, mixin: 'management' } as const
  return withDefaults(identity, options) as NamedModel<Name, 'management', Options>
}

/** A table that brings its own columns beside id and tenant_id: audit trails, reference data. */
export function plainModel<
  const Name extends string,
  const Options extends TableOptions & { readonly mixin: 'audit' | 'none' },
>(service: Service, name: Name, options: Options): NamedModel<Name, Options['mixin'], Options> {
  const identity = { service, name, mixin: options.mixin } as const
  return withDefaults(identity, options) as NamedModel<Name, Options['mixin'], Options>
}

function withDefaults(
  identity: Pick<TableModel, 'service' | 'name' | 'mixin'>,
  options: TableOptions,
): TableModel {
  const model: TableModel = {
    placement: 'tenant',
    references: [],
    weight: 1,
    privileges: readWrite,
    ...options,
    ...identity,
  }
  assertModel(model)
  return model
}
