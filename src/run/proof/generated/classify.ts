/** Plants each edit in a clone and asks the ground truth what it does; one after the other, because of roles. */

import { messageOf } from '../../../errors.ts'
import { worldKey, type WorldId } from '../../../model/tenancy.ts'
import type { Tenant } from '../../../model/tenant.ts'
import { identifier } from '../../../sql/identifier.ts'
import { databaseName } from '../../../reference/site/namespace.ts'
import type { OpenSite } from '../../../reference/site/open-site.ts'
import { inLane } from '../clone-lane.ts'
import { readClusterRoles, restoreClusterRoles } from '../cluster-roles.ts'
import type { Mutant } from '../mutant.ts'
import { plant } from '../plant.ts'
import { prepareState } from './truth/ask.ts'
import { GroundTruth, type EditTruth } from './truth/judge-edit.ts'
import { openSubject, type Subject } from './truth/subject.ts'

export type Classified = EditTruth | { readonly what: 'undecided'; readonly reason: string }

/** Tenants that act in every edit, beside those that it names. */
const attackersMin = 2
const attackersMax = 4

interface Healthy {
  readonly subject: Subject
  readonly truth: GroundTruth
}

export interface ClassifyOptions {
  readonly signal?: AbortSignal | undefined
  readonly onStep: (what: string, done: number, total: number) => void
}

/** In the order given; what was not reached before the end is missing. */
export async function classify(
  open: OpenSite,
  mutants: readonly Mutant[],
  { signal, onStep }: ClassifyOptions,
): Promise<ReadonlyMap<Mutant, Classified>> {
  const before = await readClusterRoles(open.admin)
  const known = new Map<string, Healthy>()
  const found = new Map<Mutant, Classified>()
  const healthyOf = async (id: WorldId): Promise<Healthy> => {
    const there = known.get(worldKey(id))
    if (there !== undefined) return there
    const subject = await openSubject(open.site, id, databaseName(open.site.namespace, id))
    await prepareState(subject)
    const healthy = { subject, truth: new GroundTruth(subject) }
    known.set(worldKey(id), healthy)
    return healthy
  }
  const waiting = [...mutants]
  const next = () => (signal?.aborted === true ? null : (waiting.shift() ?? null))
  try {
    await inLane(open, { lane: 0, next }, async (mutant, { database, error }) => {
      onStep(mutant.id, found.size, mutants.length)
      const healthy = await healthyOf(worldOf(mutant))
      try {
        if (error !== null) throw error
        found.set(mutant, await judged(open, { mutant, database, healthy }))
      } catch (failure) {
        found.set(mutant, { what: 'undecided', reason: messageOf(failure) })
      } finally {
        await restoreClusterRoles(open.admin, before)
      }
    })
  } finally {
    for (const { subject } of known.values()) await subject[Symbol.asyncDispose]()
  }
  return found
}

function worldOf({ service, tenancy }: Mutant): WorldId {
  return { service, tenancy, variant: 'hardened' }
}

interface Judged {
  readonly mutant: Mutant
  readonly database: string
  readonly healthy: Healthy
}

async function judged(open: OpenSite, { mutant, database, healthy }: Judged): Promise<EditTruth> {
  const tenants = attackersOf(mutant, open.site.tenants)
  await healthy.truth.prepare(tenants)
  await plant(open, { database, mutant, unchanged: null })
  await using edited = await openSubject(open.site, worldOf(mutant), database)
  await prepareState(edited)
  return await healthy.truth.judge(edited, { tenants, sql: mutant.sql ?? '' })
}

/** Those whose schema or role the edit names come first: it may be about them alone. */
function attackersOf({ sql }: Mutant, tenants: readonly Tenant[]): readonly Tenant[] {
  const named = tenants.filter(
    ({ schema, role }) =>
      sql?.includes(identifier(schema)) === true || sql?.includes(identifier(role)) === true,
  )
  return [...new Set([...named, ...tenants.slice(0, attackersMin)])].slice(0, attackersMax)
}
