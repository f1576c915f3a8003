/** What may be done on a database: asked once when a world is opened, looked up by what a probe needs. */

export const capabilities = [
  /** A session that no policy filters: the ground truth across tenants. */
  'sees all rows',
  /** SET SESSION AUTHORIZATION to the application: attacks inside an administrator's transaction. */
  'becomes the application',
  /** session_replication_role: rows are changed without what triggers and foreign keys would do. */
  'silences triggers',
  /** One login for all tenants, so that a transaction may leave one context and enter another. */
  'enters two tenants in a transaction',
  'writes',
  /** Attacks that are DDL: they lock what they change until they are rolled back. */
  'changes the schema',
  'signals backends',
  'clones databases',
  /** Statements without a limit of rows. */
  'reads the whole table',
] as const
export type Capability = (typeof capabilities)[number]

/** Why something cannot be done, and what would make it possible. */
export interface Lacking {
  readonly why: string
  readonly hint: string
}

export type Capabilities = Readonly<Record<Capability, true | Lacking>>

/** Of a superuser on a database that may be broken. */
export const allCapabilities: Capabilities = {
  'sees all rows': true,
  'becomes the application': true,
  'silences triggers': true,
  'enters two tenants in a transaction': true,
  writes: true,
  'changes the schema': true,
  'signals backends': true,
  'clones databases': true,
  'reads the whole table': true,
}
