/**
 * How to reach a PostgreSQL server, whoever started it. Kept apart from the embedded server so that
 * code which only connects does not load what starts processes.
 */

export interface ServerAddress {
  /** Host name, address, or the directory of a Unix socket (begins with a slash). */
  readonly host: string
  readonly port: number
  readonly user: string
  /** Undefined: the driver looks at PGPASSWORD and ~/.pgpass. */
  readonly password: string | undefined
  /** As node-postgres takes it; undefined leaves the choice to PGSSLMODE. */
  readonly ssl?: boolean | object
  /** Command-line options for the backend, like PGOPTIONS. */
  readonly options?: string
}

export interface Server extends AsyncDisposable {
  readonly kind: 'embedded' | 'named'
  readonly address: ServerAddress
  /** host:port for people and reports; never holds credentials. */
  readonly label: string
  /** The last lines the server logged, oldest first; empty for a server we did not start. */
  logTail(): readonly string[]
  stop(): Promise<void>
}
