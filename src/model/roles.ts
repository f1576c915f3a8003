/** The roles of a database on trial: who owns, who asks, who reports. */

export interface RoleNames {
  /** Owns every object, cannot log in. */
  readonly owner: string
  /** The application: no superuser, no BYPASSRLS, owns nothing. */
  readonly app: string
  /** Reads across tenants for reporting; changes nothing. */
  readonly admin: string
}

export interface RolePasswords {
  readonly app: string
  readonly admin: string
}
