/** How a database that a run drops at its end is known again when the run was killed before. */

import type { Session } from '../../postgres/session/session.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { Namespace } from './namespace.ts'

/** COMMENT ON DATABASE; one that is kept loses it. */
export const scratchComment = 'scratch database of a watertight run'

/** On a server of our own nothing outlives the run. */
export async function markScratch(
  admin: Session,
  { namespace }: { readonly namespace: Namespace },
  database: string,
): Promise<void> {
  if (namespace.prefix === '') return
  await admin.query(`COMMENT ON DATABASE ${identifier(database)} IS ${literal(scratchComment)}`)
}
