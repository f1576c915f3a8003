/** PostgreSQL's own defects as rows over servers: one row for each way in which a defect is tried. */

import type { DefectScore, ServerScore } from '../model/report.ts'

export interface DefectRow {
  readonly defect: DefectScore
  /** By version; absent where the server does not know the command. */
  readonly on: ReadonlyMap<string, DefectScore>
}

/** In the order in which the servers name them. */
export function defectRows(servers: readonly ServerScore[]): readonly DefectRow[] {
  const rows = new Map<string, { defect: DefectScore; on: Map<string, DefectScore> }>()
  for (const { version, defects } of servers) {
    for (const defect of defects) {
      const key = `${defect.id} ${defect.path ?? ''}`
      const row = rows.get(key) ?? { defect, on: new Map<string, DefectScore>() }
      rows.set(key, { ...row, on: row.on.set(version, defect) })
    }
  }
  // A command that only later servers know leaves its defect without a try on the earlier ones.
  const all = [...rows.values()]
  const tried = new Set(
    all.filter(({ defect }) => defect.path !== null).map(({ defect }) => defect.id),
  )
  return all.filter(({ defect }) => defect.path !== null || !tried.has(defect.id))
}

/** What is wrong with the detector, or with the table, in a few words; null when all is as known. */
export function missText(
  { affected, named, seen, reason }: DefectScore,
  version: string,
): string | null {
  if (affected !== named)
    return named ? `named without cause on ${version}` : `not named on ${version}`
  if (seen === 'unknown') return `could not be told: ${reason}`
  if (affected && seen === 'absent') return 'affected, and nothing was seen'
  return !affected && seen === 'caught' ? `seen, and not known to be affected: ${reason}` : null
}
