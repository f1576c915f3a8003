/**
 * Values of somebody else in what an attacker gets to see, told from those that its own statements brought along:
 * a row that was written with a foreign value shows it again, and that is no leak.
 */

import type { Attempt, Row, Statement } from '../model/observation.ts'
import type { Ownership } from '../model/ownership.ts'
import type { TenantId } from '../model/tenant.ts'
import { decodingsOf } from '../world/decoded.ts'
import { marksIn } from '../world/planted-marks.ts'

export interface Loot {
  readonly owner: TenantId
  readonly value: string
}

export interface Looter {
  readonly attacker: TenantId
  readonly ownership: Ownership
  /** What `broughtBy` says of the attacker's statements. */
  readonly brought: string
}

/** Everything that the statements say, in one text to look values up in. */
export function broughtBy(statements: readonly Statement[]): string {
  const said = statements.map(({ sql, copyData }) => `${sql}\n${copyData ?? ''}`).join('\n')
  return [said, ...decodingsOf(said)].join('\n').toLowerCase()
}

/** The first mark of somebody else in the text that the attacker did not bring. */
export function lootIn(text: string, { attacker, ownership, brought }: Looter): Loot | null {
  if (ownership.ownerOfValue(text) === null) return null
  for (const said of [text, ...decodingsOf(text)]) {
    for (const { mark, before, after } of marksIn(said)) {
      const owner = ownership.ownerOfValue(mark)
      if (owner === null || owner === attacker) continue
      // Texts of one tenant carry the same mark: what stands beside it says which text it is.
      const known = [`${before}${mark}`, `${mark}${after}`].filter((each) => each !== mark)
      if (
        !(known.length === 0 ? [mark] : known).some((each) => brought.includes(each.toLowerCase()))
      )
        return { owner, value: text.slice(0, 200) }
    }
  }
  return null
}

/** The first row of which some value is loot. */
export function lootOf(
  rows: readonly Row[],
  looter: Looter,
): (Loot & { readonly row: Row }) | null {
  for (const row of rows) {
    for (const value of Object.values(row)) {
      const loot = typeof value === 'string' ? lootIn(value, looter) : null
      if (loot !== null) return { ...loot, row }
    }
  }
  return null
}

/** What the server said beside its answers to the attacks, as rows. */
export function noticesOf(attempt: Attempt): readonly Row[] {
  return attempt.steps
    .filter(({ role }) => role === 'attack' || role === 'comparison')
    .flatMap(({ observation }) => (observation.notices ?? []).map((notice) => ({ notice })))
}
