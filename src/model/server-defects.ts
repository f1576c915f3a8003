/**
 * PostgreSQL's own defects by which a role reaches rows, names or rights that policies and privileges keep
 * from it, since 14. Left out: memory safety, client programs, extensions.
 */

import type { Severity } from './severity.ts'

export interface ServerDefect {
  readonly id: string
  /** What the server does wrong, in half a sentence. */
  readonly title: string
  readonly severity: Severity
  /** Major version to the first minor without it; null when no minor of it repairs it. Others never had it. */
  readonly fixedIn: Readonly<Record<number, number | null>>
  /** True when rows are reached that a policy hides or forbids. */
  readonly rowSecurity: boolean
  readonly source: string
  /** What to do beside the upgrade. */
  readonly alsoDo?: string
}

const advisory = (cve: string) => `https://www.postgresql.org/support/security/${cve}/`

type Entry = Omit<ServerDefect, 'source'> & { readonly source?: string }

const entries: readonly Entry[] = [
  {
    id: 'CVE-2018-1058',
    severity: 'low',
    rowSecurity: false,
    fixedIn: { 14: null },
    title: 'every role may create objects in the schema public of a new database',
    alsoDo: 'REVOKE CREATE ON SCHEMA public FROM PUBLIC',
  },
  {
    id: 'CVE-2022-1552',
    severity: 'high',
    rowSecurity: false,
    fixedIn: { 14: 3 },
    title: 'maintenance commands of a superuser run code of the object’s owner as the superuser',
  },
  {
    id: 'CVE-2023-2454',
    severity: 'medium',
    rowSecurity: false,
    fixedIn: { 14: 8, 15: 3 },
    title: 'CREATE SCHEMA with elements defeats the search_path that protects a function',
  },
  {
    id: 'CVE-2023-2455',
    severity: 'medium',
    rowSecurity: true,
    fixedIn: { 14: 8, 15: 3 },
    title:
      'a reused plan with an inlined SQL function keeps the policies of the role it was made for',
  },
  {
    id: 'CVE-2023-39418',
    severity: 'medium',
    rowSecurity: true,
    fixedIn: { 15: 4 },
    title: 'MERGE does not hold an updated row against the UPDATE and SELECT policies',
  },
  {
    id: 'CVE-2024-0985',
    severity: 'high',
    rowSecurity: false,
    fixedIn: { 14: 11, 15: 6 },
    title:
      'REFRESH MATERIALIZED VIEW CONCURRENTLY runs code of the view’s owner as whoever refreshes it',
  },
  {
    id: 'CVE-2024-4317',
    severity: 'low',
    rowSecurity: false,
    fixedIn: { 14: 12, 15: 7, 16: 3 },
    title: 'pg_stats_ext and pg_stats_ext_exprs show common values of tables one may not read',
    alsoDo: 'run share/fix-CVE-2024-4317.sql in every database that was created before the upgrade',
  },
  {
    id: 'CVE-2024-10976',
    severity: 'medium',
    rowSecurity: true,
    fixedIn: { 14: 14, 15: 9, 16: 5, 17: 1 },
    title:
      'a reused plan keeps the policies of the role it was made for when the table is in a subquery or CTE',
  },
  {
    id: 'CVE-2024-10978',
    severity: 'medium',
    rowSecurity: true,
    fixedIn: { 14: 14, 15: 9, 16: 5, 17: 1 },
    title: 'a query may run as though SET ROLE had not been used, in a parallel worker for example',
  },
  {
    id: 'CVE-2025-8713',
    severity: 'medium',
    rowSecurity: true,
    fixedIn: { 14: 19, 15: 14, 16: 10, 17: 6 },
    title: 'planning hands sampled values behind a view or a policy to the operators of the caller',
  },
  {
    id: 'CVE-2025-12817',
    severity: 'low',
    rowSecurity: false,
    fixedIn: { 14: 20, 15: 15, 16: 11, 17: 7, 18: 1 },
    title: 'CREATE STATISTICS asks for no right to create in the schema it names',
  },
  {
    id: 'CVE-2026-6472',
    severity: 'medium',
    rowSecurity: false,
    fixedIn: { 14: 23, 15: 18, 16: 14, 17: 10, 18: 4 },
    title: 'CREATE TYPE AS RANGE asks for no right to create in the schema of its multirange type',
  },
  {
    id: 'CVE-2026-120154',
    severity: 'high',
    rowSecurity: true,
    fixedIn: { 14: 25, 15: 20, 16: 16, 17: 12, 18: 7 },
    title: 'ON CONFLICT DO UPDATE evaluates its WHERE on a row that the policies hide',
    alsoDo:
      'put the tenant into every unique key: a key that no other tenant shares cannot conflict',
    source: 'https://www.suse.com/security/cve/CVE-2026-120154.html',
  },
]

export const serverDefects: readonly ServerDefect[] = entries.map((entry) => ({
  ...entry,
  source: entry.source ?? advisory(entry.id),
}))

/** @param version server_version_num, 150001 for 15.1. */
export function isAffected(defect: ServerDefect, version: number): boolean {
  const [major, minor] = [Math.floor(version / 10_000), version % 10_000]
  const fixed = Object.hasOwn(defect.fixedIn, major) ? defect.fixedIn[major] : undefined
  return fixed === null || (fixed !== undefined && minor < fixed)
}

/** First version that is without the defect, for the major of `version`: 15.4, or the next major. */
export function fixOf(defect: ServerDefect, version: number): string | null {
  const major = Math.floor(version / 10_000)
  const fixed = Object.hasOwn(defect.fixedIn, major) ? defect.fixedIn[major] : undefined
  if (fixed === undefined) return null
  return fixed === null ? String(major + 1) : `${major}.${fixed}`
}

/** The last minor of the major that repairs row security, and what it repairs; null for an unknown major. */
export function lastRowSecurityFix(
  version: number,
): { readonly version: string; readonly defect: ServerDefect } | null {
  const major = Math.floor(version / 10_000)
  const fixes = serverDefects
    .filter(({ rowSecurity }) => rowSecurity)
    .map((defect) => ({ defect, minor: defect.fixedIn[major] ?? null }))
    .flatMap(({ defect, minor }) => (minor === null ? [] : [{ defect, minor }]))
    .toSorted((a, b) => b.minor - a.minor)
  const [last] = fixes
  return last === undefined ? null : { version: `${major}.${last.minor}`, defect: last.defect }
}

/** 150001 is 15.1. */
export function versionText(version: number): string {
  return `${Math.floor(version / 10_000)}.${version % 10_000}`
}
