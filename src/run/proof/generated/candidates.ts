/** Every edit of a world's catalog, and a sample of them in which each kind has the same share. Pure. */

import { hash32 } from '../../../reference/seed/random.ts'
import type { Anatomy } from './anatomy.ts'
import type { Candidate, EditedWorld, Editor } from './edit.ts'
import { functionEdits, triggerEdits, viewEdits } from './edits/code.ts'
import { defaultEdits, keyEdits } from './edits/keys.ts'
import { ownerEdits, roleEdits } from './edits/owners.ts'
import { policyEdits, rowSecurityEdits } from './edits/policies.ts'
import { grantEdits } from './edits/privileges.ts'

const editors: readonly Editor[] = [
  policyEdits,
  rowSecurityEdits,
  grantEdits,
  viewEdits,
  functionEdits,
  triggerEdits,
  keyEdits,
  defaultEdits,
  roleEdits,
  ownerEdits,
]

/** Two edits of the same SQL are one. */
export function candidatesOf(anatomy: Anatomy, world: EditedWorld): readonly Candidate[] {
  const bySql = new Map(
    editors.flatMap((editor) => editor(anatomy)).map((each) => [each.sql, { ...each, ...world }]),
  )
  return [...bySql.values()]
}

/**
 * As many as asked for: one of each kind and tenancy in turn, so that those with thousands of edits do not crowd out
 * the others.
 * What is drawn follows from the seed and the edits alone, and a larger sample holds the smaller one.
 */
export function sampleOf(
  candidates: readonly Candidate[],
  { seed, size }: { readonly seed: number; readonly size: number },
): readonly Candidate[] {
  const rank = ({ tenancy, service, sql }: Candidate) =>
    hash32(`edit ${seed} ${tenancy} ${service} ${sql}`)
  const kinds = new Map<string, (readonly [number, Candidate])[]>()
  for (const each of candidates) {
    const stratum = `${each.kind} ${each.tenancy}`
    const list = kinds.get(stratum) ?? []
    if (list.length === 0) kinds.set(stratum, list)
    list.push([rank(each), each])
  }
  const columns = [...kinds]
    .toSorted(([a], [b]) => hash32(`kind ${seed} ${a}`) - hash32(`kind ${seed} ${b}`))
    .map(([, list]) => list.toSorted(([a], [b]) => a - b).map(([, each]) => each))
  const rounds = Math.max(0, ...columns.map(({ length }) => length))
  const drawn: Candidate[] = []
  for (let round = 0; round < rounds && drawn.length < size; round += 1)
    drawn.push(...columns.flatMap((column) => column[round] ?? []))
  return drawn.slice(0, size)
}
