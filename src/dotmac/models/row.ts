/** Types of rows, derived from the models: a column that is renamed there no longer compiles here. */

import type { ColumnModel, Mixin, ReferenceModel, TableModel } from './model.ts'
import type { ispTables } from './isp.ts'
import type { managementTables } from './management.ts'

type Models = (typeof ispTables)[number] | (typeof managementTables)[number]

/** Names of all tables of the platform. */
export type TableName = Models['name']

/** The model of that name. */
export type ModelNamed<Name extends TableName> = Extract<Models, { readonly name: Name }>

/**
 * A row as the platform's pools return it: every value as the text that the server sent, NULL as null.
 * `RowOf<'isp_customers'>['email']` is a string, `['notes']` may be null; `RowOf<typeof vouchers>` is a row of a model
 * of one's own.
 */
export type RowOf<Table extends TableName | TableModel> = Table extends TableName
  ? RowOfModel<ModelNamed<Table>>
  : Table extends TableModel
    ? RowOfModel<Table>
    : never

type RowOfModel<Model extends TableModel> = MixinRow<Model['mixin']> & {
  readonly [Reference in Model['references'][number] as Reference['column']]: Value<Reference>
} & { readonly [Column in Model['columns'][number] as Column['name']]: Value<Column> }

type Value<Column extends ColumnModel | ReferenceModel> = Column extends { readonly notNull: false }
  ? string | null
  : string

type MixinRow<M extends Mixin> = M extends 'none'
  ? unknown
  : M extends 'audit'
    ? Identified
    : M extends 'isp'
      ? Timed
      : Timed & Audited

interface Identified {
  readonly id: string
  readonly tenant_id: string
}

interface Timed extends Identified {
  readonly created_at: string
  readonly updated_at: string
  readonly is_active: string
}

interface Audited {
  readonly deleted_at: string | null
  readonly created_by: string | null
  readonly updated_by: string | null
}
