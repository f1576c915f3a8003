/**
 * A rehearsal asks the server itself: in one transaction that is rolled back, objects are built as a
 * platform would build them, and the application's role does what PostgreSQL documents as impossible.
 */

import type { Statement } from '../../model/observation.ts'
import type { RoleNames } from '../../model/roles.ts'
import { identifier, literal } from '../../sql/identifier.ts'

export interface Rehearsal {
  /** Id of the defect in the table of server defects. */
  readonly defect: string
  /** Column of the matrix: the command by which it is tried. */
  readonly path: string
  /** server_version_num from which the server knows the command. Default: all. */
  readonly since?: number
  /** `canary`: the hidden text must not be seen, in a row or a message. `success`: the command must not work. */
  readonly leak: 'canary' | 'success'
  /** In order; `control` must see rows, `attack` must not leak. */
  script(roles: QuotedRoles): readonly Statement[]
}

/** Quoted, ready for SQL. */
export interface QuotedRoles {
  readonly owner: string
  readonly app: string
  /** The application's role as a string literal. */
  readonly appText: string
  readonly admin: string
}

/** The hidden text. It occurs nowhere else, so whoever sees it saw what a policy or a privilege hides. */
export const canary = 'canary-of-another-tenant'
/** Schema of the platform in a rehearsal, and schema in which the application may create. */
export const platform = 'watertight_platform'
export const attacker = 'watertight_attacker'

export function quotedRoles({ owner, app, admin }: RoleNames): QuotedRoles {
  return {
    owner: identifier(owner),
    app: identifier(app),
    appText: literal(app),
    admin: identifier(admin),
  }
}

export function context(...sql: readonly string[]): readonly Statement[] {
  return sql.map((each) => ({ sql: each, role: 'context' as const }))
}

export function control(sql: string): Statement {
  return { sql, role: 'control' }
}

/** What must not leak. */
export function attack(sql: string): Statement {
  return { sql, role: 'attack' }
}

/** The schema of the platform, open to the application, and one of the application's own. */
export function schemas({ app, admin }: QuotedRoles): readonly Statement[] {
  return context(
    `CREATE SCHEMA ${platform}`,
    `GRANT USAGE ON SCHEMA ${platform} TO ${app}, ${admin}`,
    `CREATE SCHEMA ${attacker} AUTHORIZATION ${app}`,
  )
}
