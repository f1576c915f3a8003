/** Operations reach both databases: a trial of theirs has a clone of the other one beside its own. */

import type { OperationsSite } from '../../reference/operations/operations-rig.ts'
import type { OpenSite } from '../../reference/site/open-site.ts'
import { adminSession, cloneDatabase, dropDatabases } from '../../reference/site/provision.ts'
import type { Session } from '../../postgres/session/session.ts'
import { templateName } from './clone-lane.ts'
import type { TrialOptions } from './trial.ts'

interface Pair extends AsyncDisposable {
  readonly given: { readonly operations?: OperationsSite }
}

/** Operations reach both databases: beside the trial's own clone they get one of the other. */
export async function pairFor(
  open: OpenSite,
  { mutant, database }: Pick<TrialOptions, 'mutant' | 'database'>,
): Promise<Pair> {
  const { operations: build, tenancy } = mutant
  if (build === null) return { given: {}, [Symbol.asyncDispose]: () => Promise.resolve() }
  const management = `${database}_beside`
  open.databases.add(management)
  const asAdmin = async (work: (admin: Session) => Promise<void>) => {
    await using admin = await adminSession(open.site.address, open.maintenanceDatabase)
    await work(admin)
  }
  const from = templateName(open.site, { service: 'management', tenancy, variant: 'hardened' })
  await asAdmin((admin) => cloneDatabase(admin, open.site, { from, to: management }))
  return {
    given: { operations: { databases: { management, isp: database }, build } },
    [Symbol.asyncDispose]: () => asAdmin((admin) => dropDatabases(admin, [management])),
  }
}
