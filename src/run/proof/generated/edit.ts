/** One generated edit of the catalog: a mutant that nobody wrote by hand. */

import type { Service, TenancyName } from '../../../model/tenancy.ts'
import type { Anatomy } from './anatomy.ts'

export interface Edit {
  /** What is edited and how, e.g. `policy: operator`: the stratum of the sample. */
  readonly kind: string
  readonly title: string
  readonly sql: string
  /** What it lets somebody do later, where nothing can be seen of it today; null for all others. */
  readonly power: string | null
}

/** The world in whose clones an edit is planted. */
export interface EditedWorld {
  readonly tenancy: TenancyName
  readonly service: Service
}

export interface Candidate extends Edit, EditedWorld {}

/** Derives the edits of one kind of object; pure. */
export type Editor = (anatomy: Anatomy) => readonly Edit[]

export function edit(kind: string, title: string, sql: string): Edit {
  return { kind, title, sql, power: null }
}
