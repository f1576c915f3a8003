/** What a survey of the system tables yields: plain data, no connection. */

export type RelationKind =
  'table' | 'partitioned table' | 'partition' | 'view' | 'materialized view' | 'foreign table'

export type TablePrivilege =
  'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE' | 'TRUNCATE' | 'REFERENCES' | 'TRIGGER'

export type PolicyCommand = 'ALL' | 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE'

export interface Column {
  readonly name: string
  /** As format_type() prints it. */
  readonly type: string
  readonly notNull: boolean
  readonly hasDefault: boolean
  /** GENERATED ALWAYS AS (...) or an identity that refuses explicit values. */
  readonly generated: boolean
  /** What the application may do with this column in a tenant's context. */
  readonly selectable: boolean
  readonly updatable: boolean
}

export interface Policy {
  readonly name: string
  readonly command: PolicyCommand
  readonly permissive: boolean
  /** Role names, `public` for everyone. */
  readonly roles: readonly string[]
  readonly using: string | null
  readonly withCheck: string | null
}

export interface ForeignKey {
  readonly name: string
  readonly columns: readonly string[]
  readonly referencedRelation: string
  readonly referencedColumns: readonly string[]
  readonly deferrable: boolean
}

export interface Relation {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly kind: RelationKind
  readonly owner: string
  readonly relrowsecurity: boolean
  readonly relforcerowsecurity: boolean
  readonly columns: readonly Column[]
  readonly primaryKey: readonly string[]
  /** Every unique index that is not the primary key, as column lists. */
  readonly uniqueKeys: readonly (readonly string[])[]
  readonly foreignKeys: readonly ForeignKey[]
  readonly policies: readonly Policy[]
  /** What the application may do when it is in a tenant's context (membership included). */
  readonly applicationPrivileges: readonly TablePrivilege[]
  /** Column that carries the tenant id, null when the relation has none. */
  readonly tenantColumn: string | null
  /** `schema.name` of the parent of a partition or inheritance child. */
  readonly parent: string | null
  /** security_invoker and security_barrier of views; always false on tables. */
  readonly securityInvoker: boolean
  readonly securityBarrier: boolean
  readonly estimatedRows: number
  /** Hash over its query, triggers, indexes and constraints: what the other fields do not say. */
  readonly definition: string
  /** Bodies of its triggers' functions, and its rules: what acts when it is written to. */
  readonly reactions: readonly string[]
  /** Commands that the relation takes, whoever asks: a view over a join takes none. */
  readonly updatable: readonly TablePrivilege[]
}

export interface FunctionEntry {
  readonly oid: number
  readonly schema: string
  readonly name: string
  readonly owner: string
  readonly language: string
  readonly kind: 'function' | 'procedure' | 'aggregate' | 'window'
  /** Types of the arguments of a call, as format_type() prints them: CALL names OUT arguments too. */
  readonly argumentTypes: readonly string[]
  readonly argumentNames: readonly string[]
  /** Letters of proargmodes for argumentNames: i, o, b, v, t. Empty when all are i. */
  readonly argumentModes: readonly string[]
  /** How many of its last input arguments may be left out. */
  readonly argumentDefaults: number
  /** True when the last argument is VARIADIC. */
  readonly variadic: boolean
  readonly returnType: string
  readonly returnsSet: boolean
  readonly securityDefiner: boolean
  /** proconfig entries, `search_path=...` among them. */
  readonly settings: readonly string[]
  readonly volatility: 'immutable' | 'stable' | 'volatile'
  readonly source: string
  /** Body in the form of the SQL standard, which leaves `source` empty. */
  readonly sqlBody: string
  readonly applicationMayExecute: boolean
}

export interface RoleEntry {
  readonly name: string
  readonly superuser: boolean
  readonly bypassRowSecurity: boolean
  readonly createRole: boolean
  readonly replication: boolean
  readonly login: boolean
  /** Roles this role is a member of, directly or not, with what the membership lets it do. */
  readonly memberOf: readonly {
    readonly role: string
    readonly canSet: boolean
    readonly inherits: boolean
  }[]
  /** pg_db_role_setting entries that apply to it in this database. */
  readonly settings: readonly string[]
}

export interface SchemaEntry {
  readonly name: string
  readonly owner: string
  /** Roles (or `public`) and the privileges they hold. */
  readonly grants: readonly { readonly role: string; readonly privilege: 'USAGE' | 'CREATE' }[]
}

/** A type that is not built in, or an array: what a value of it is made of. */
export interface TypeEntry {
  /** As format_type() prints it, as in columns and arguments. */
  readonly name: string
  /** Qualified, quoted: means the same under every search_path. */
  readonly address: string
  readonly kind: 'domain' | 'enum' | 'composite' | 'range' | 'multirange' | 'array' | 'base'
  /** What a domain is over, an array has for elements, a range for bounds, a multirange for ranges. */
  readonly of: string | null
  readonly labels: readonly string[]
  /** Attributes of a composite type. */
  readonly fields: readonly { readonly name: string; readonly type: string }[]
}

export interface Catalog {
  readonly serverVersionNum: number
  readonly relations: readonly Relation[]
  readonly functions: readonly FunctionEntry[]
  /** Types of arguments and columns that are no plain built-in ones. */
  readonly types: readonly TypeEntry[]
  readonly roles: readonly RoleEntry[]
  readonly schemas: readonly SchemaEntry[]
}

/** `schema.name`, the key under which a relation is spoken of (not SQL: never execute it). */
export function relationKey(relation: { readonly schema: string; readonly name: string }): string {
  return `${relation.schema}.${relation.name}`
}
