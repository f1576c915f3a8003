/** How a database puts a session into a tenant's context, as data: five mechanisms, one plan. */

/** Text with places of the tenant: `{tenant.id}`, `{tenant.schema}`, `{tenant.role}`. */
export type Template = string

export type EnterStep =
  /** A setting that policies read; `SET`, so that no snapshot is taken. */
  | { readonly kind: 'setting'; readonly name: string; readonly value: Template }
  | { readonly kind: 'role'; readonly role: Template }
  | { readonly kind: 'search_path'; readonly path: readonly Template[] }
  /** SQL of the platform's own; its places are filled in as literals. */
  | { readonly kind: 'call'; readonly sql: Template }

/** https://www.postgresql.org/docs/current/sql-set.html */
export interface ContextPlan {
  /** How long `enter` lasts. */
  readonly scope: 'transaction' | 'session'
  /** In order. */
  readonly enter: readonly EnterStep[]
}
