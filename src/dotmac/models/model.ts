/**
 * Tables as typed values: DDL, seed data and the catalog of the reference platform are all derived
 * from one declaration, so the tenancies cannot drift apart.
 */

import type { TablePrivilege } from '../../model/catalog.ts'
import type { Service } from '../../model/tenancy.ts'

/** How the seeder invents a value; it says what the column means, not how it is stored. */
export type Fill =
  | 'person'
  | 'company'
  | 'email'
  | 'phone'
  | 'street'
  | 'city'
  | 'postcode'
  | 'country'
  | 'money'
  | 'quantity'
  | 'bytes'
  | 'percent'
  | 'date'
  | 'timestamp'
  | 'past timestamp'
  | 'inet'
  | 'mac'
  | 'hostname'
  | 'serial'
  | 'reference'
  | 'sentence'
  | 'json'
  | 'flag'
  | 'tenant schema'
  | 'tenant role'
  | { readonly oneOf: readonly string[] }
  /** Row number within the tenant, from 1. */
  | 'number'

export interface ColumnModel {
  readonly name: string
  readonly type: string
  /** For the harness's own seed data; a table that is not seeded leaves it out. */
  readonly fill?: Fill
  /** Default true: a column is NOT NULL unless it says otherwise. */
  readonly notNull?: boolean
  /** SQL expression. A column with `sequence` gets nextval() of that sequence instead. */
  readonly default?: string
  /** idx_<table>_tenant_<column> on (tenant_id, column). */
  readonly indexed?: boolean
  /** idx_<table>_tenant_<column>_unique on (tenant_id, column). */
  readonly unique?: boolean
}

export interface ReferenceModel {
  readonly column: string
  readonly table: string
  readonly notNull?: boolean
}

/** An index of several of the table's columns, the mixin's among them. tenant_id is put in front and not named. */
export interface CompositeModel {
  readonly columns: readonly string[]
  /** Default false; unique within the tenant. */
  readonly unique?: boolean
}

/**
 * `tenant`: every tenant has rows. `control`: one row per tenant, kept by the platform.
 * `shared`: reference data that everyone may read and nobody may change.
 */
export type Placement = 'tenant' | 'control' | 'shared'

export type Mixin = 'isp' | 'management' | 'audit' | 'none'

export interface TableModel {
  readonly service: Service
  readonly name: string
  readonly mixin: Mixin
  readonly placement: Placement
  readonly columns: readonly ColumnModel[]
  readonly references: readonly ReferenceModel[]
  /** idx_<table>_tenant_<column>_<column>, with _unique behind it for a unique one. */
  readonly indexes?: readonly CompositeModel[]
  /** Rows per row of the tenant's size; a size of 100 and a weight of 0.5 make 50 rows. */
  readonly weight: number
  /** Partition count when the table is hash-partitioned by tenant_id. */
  readonly hashPartitions?: number
  /** What the application may do; never TRUNCATE, REFERENCES or TRIGGER. */
  readonly privileges: readonly TablePrivilege[]
}

/** Columns that the mixin puts before the table's own, in order. */
export function mixinColumns(mixin: Mixin): readonly ColumnModel[] {
  const id: ColumnModel = {
    name: 'id',
    type: 'uuid',
    fill: 'reference',
    default: 'gen_random_uuid()',
  }
  const tenant: ColumnModel = { name: 'tenant_id', type: 'varchar(255)', fill: 'reference' }
  const created: ColumnModel = {
    name: 'created_at',
    type: 'timestamptz',
    fill: 'past timestamp',
    default: 'now()',
  }
  const updated: ColumnModel = { ...created, name: 'updated_at' }
  const active: ColumnModel = { name: 'is_active', type: 'boolean', fill: 'flag', default: 'true' }
  if (mixin === 'none') return []
  if (mixin === 'audit') return [id, tenant]
  if (mixin === 'isp') return [id, tenant, created, updated, active]
  return [
    id,
    tenant,
    created,
    updated,
    active,
    { name: 'deleted_at', type: 'timestamptz', fill: 'timestamp', notNull: false },
    { name: 'created_by', type: 'varchar(255)', fill: 'email', notNull: false },
    { name: 'updated_by', type: 'varchar(255)', fill: 'email', notNull: false },
  ]
}

/** Every column of the table in storage order: mixin, foreign keys, own. */
export function columnsOf(table: TableModel): readonly ColumnModel[] {
  const references = table.references.map((reference): ColumnModel => ({
    name: reference.column,
    type: 'uuid',
    fill: 'reference',
    notNull: reference.notNull ?? true,
  }))
  return [...mixinColumns(table.mixin), ...references, ...table.columns]
}

/** True when rows of this table belong to a tenant. */
export function isTenantAware(table: TableModel): boolean {
  return table.placement !== 'shared'
}
