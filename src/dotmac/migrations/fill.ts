/** Puts names into migration files: they are written once for every namespace and every tenant. */

import { WatertightError } from '../../errors.ts'
import { identifier, literal } from '../../sql/identifier.ts'

export interface MigrationNames {
  readonly owner: string
  readonly app: string
  readonly admin: string
  /** Of a tenant's own schema; absent for the platform's tables. */
  readonly schema?: string
  readonly role?: string
  readonly tenant?: string
}

/** Names that stand inside quoted SQL as well, so they must need no quotes themselves. */
const plainName = /^[a-z_][a-z0-9_]*$/

/**
 * `"@owner@"` becomes the quoted identifier, `'@tenant@'` the literal. What a server cannot yet do is left out:
 * security_invoker came with PostgreSQL 15 (https://www.postgresql.org/docs/15/sql-createview.html).
 * @throws WatertightError WATERTIGHT_MIGRATION_NAMES when a name is missing or unfit.
 */
export function filled(sql: string, names: MigrationNames, serverVersionNum: number): string {
  // Editors begin a file with a byte order mark, which the server takes for a word.
  const plain = sql.replace(/^\uFEFF/, '')
  const script =
    serverVersionNum >= 150000 ? plain : plain.replaceAll('security_invoker = true, ', '')
  return script.replace(
    /"@(\w+)@"|'@(\w+)@'|'tenant @tenant@'/g,
    (found, quoted?: string, text?: string) => {
      if (quoted !== undefined) return identifier(nameOf(names, quoted))
      if (text !== undefined) return literal(valueOf(names, text))
      return found === "'tenant @tenant@'" ? literal(`tenant ${valueOf(names, 'tenant')}`) : found
    },
  )
}

/** Names stand in the table of versions too, which Postgrator does not quote. @throws WATERTIGHT_MIGRATION_NAMES. */
export function requirePlainNames(names: MigrationNames): void {
  for (const key of ['owner', 'app', 'admin', 'schema', 'role'] as const) {
    if (names[key] !== undefined) nameOf(names, key)
  }
}

function nameOf(names: MigrationNames, key: string): string {
  const name = valueOf(names, key)
  if (plainName.test(name) && Buffer.byteLength(name) <= 63) return name
  throw unfit(
    `the name ${JSON.stringify(name)} of ${key} is not a plain lower-case name of at most 63 bytes`,
  )
}

function valueOf(names: MigrationNames, key: string): string {
  const value = (names as unknown as Readonly<Record<string, string | undefined>>)[key]
  if (value !== undefined) return value
  throw unfit(`a migration asks for @${key}@, which is not known here`)
}

function unfit(reason: string): WatertightError {
  return new WatertightError('WATERTIGHT_MIGRATION_NAMES', `A migration cannot be run: ${reason}`, {
    hint: 'Files know @owner@, @app@, @admin@, and in tenant-schema also @schema@, @role@ and @tenant@',
  })
}
