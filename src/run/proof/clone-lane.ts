/**
 * A lane tries one mutant after the other, each on a clone of its own. The next clone is made while
 * a mutant is tried, so a lane has two names and uses them in turn; poolers learn them beforehand.
 */

import type { WorldId } from '../../model/tenancy.ts'
import type { Session } from '../../postgres/session/session.ts'
import type { Mutant } from './mutant.ts'
import { databaseName } from '../../reference/site/namespace.ts'
import type { OpenSite } from '../../reference/site/open-site.ts'
import { adminSession, cloneDatabase, dropDatabases } from '../../reference/site/provision.ts'

/** Trials at the same time: the second one uses what the first leaves idle while it waits for the server. */
export const lanesMax = 2

/** Name of the untouched copy from which clones are made. */
export function templateName(site: OpenSite['site'], id: WorldId): string {
  return `${databaseName(site.namespace, id)}_template`
}

/** Every name that a clone of this world may have. */
export function cloneNames(site: OpenSite['site'], id: WorldId): readonly string[] {
  return Array.from({ length: lanesMax }, (_, lane) =>
    [0, 1].map((turn) => cloneName(site, id, { lane, turn })),
  ).flat()
}

function cloneName(
  site: OpenSite['site'],
  id: WorldId,
  { lane, turn }: { readonly lane: number; readonly turn: number },
): string {
  return `${databaseName(site.namespace, id)}_clone_${lane}${turn === 0 ? 'a' : 'b'}`
}

/** A clone that could not be made carries its error: the mutant then survives with that reason. */
interface Clone {
  readonly mutant: Mutant
  readonly database: string
  readonly error: unknown
}

export interface LaneOptions {
  /** From 0; lanes at work at the same time have different numbers. */
  readonly lane: number
  /** Hands out the next mutant, or null when there is none. */
  readonly next: () => Mutant | null
}

/** Tries every mutant it is given; `work` gets the name of the clone, and the clone is dropped afterwards. */
export async function inLane(
  open: OpenSite,
  { lane, next }: LaneOptions,
  work: (
    mutant: Mutant,
    clone: { readonly database: string; readonly error: unknown },
  ) => Promise<void>,
): Promise<void> {
  await using builder = await adminSession(open.site.address, open.maintenanceDatabase)
  await using cleaner = await adminSession(open.site.address, open.maintenanceDatabase)
  let turn = 0
  const prepare = (): Promise<Clone> | null => {
    const mutant = next()
    turn = 1 - turn
    return mutant === null ? null : makeClone(open, builder, { mutant, lane, turn })
  }
  let ready = prepare()
  while (ready !== null) {
    const { mutant, ...clone } = await ready
    ready = prepare()
    try {
      await work(mutant, clone)
    } finally {
      await dropDatabases(cleaner, [clone.database])
    }
  }
}

async function makeClone(
  open: OpenSite,
  builder: Session,
  { mutant, lane, turn }: { readonly mutant: Mutant; readonly lane: number; readonly turn: number },
): Promise<Clone> {
  const id = { service: mutant.service, tenancy: mutant.tenancy, variant: 'hardened' } as const
  const database = cloneName(open.site, id, { lane, turn })
  open.databases.add(database)
  try {
    await cloneDatabase(builder, open.site, { from: templateName(open.site, id), to: database })
    return { mutant, database, error: null }
  } catch (error) {
    return { mutant, database, error }
  }
}
