/** A run looks at everything that a used connection sees, and compares it with what a fresh one does. */

import type { StrategySession } from '../model/context-strategy.ts'
import type { Row } from '../model/observation.ts'
import type { Tenant } from '../model/tenant.ts'
import {
  carriedSql,
  outlookIn,
  outlookSql,
  seenBeyond,
  settingNamesIn,
  sightSql,
  type Difference,
  type Outlook,
} from './outlook.ts'
import type { RequestRun } from './request-run.ts'

/**
 * False when the session cannot look, as in an aborted transaction. The reader null has no tenant. What a session
 * carries is asked every time, and everything that it sees where it carries what was not met before.
 */
export async function lookAround(
  run: RequestRun,
  session: StrategySession,
  reader: Tenant | null,
): Promise<boolean> {
  const { fresh: eyes, kinds } = run.scene
  const names = [
    ...new Set([...(await eyes.names()), ...run.sent().flatMap(settingNamesIn)]),
  ].sort()
  const { columns } = run.scene.world.context
  const carried = await outlookOf(run, session, carriedSql(names, columns))
  if (carried === null) return false
  const kind = kindOf(carried, reader)
  if (kinds.isNew(kind)) {
    const used = await outlookOf(run, session, outlookSql(names, columns))
    if (used === null) return false
    await judgeSights(run, session, { reader, used, kind })
  }
  judgeSettings(run, carried, { reader, fresh: await eyes.see(reader) })
  return true
}

/** The state of a session, with the reader's own names taken out of it. */
function kindOf({ state }: Outlook, reader: Tenant | null): string {
  if (reader === null) return `nobody | ${state}`
  return [reader.id, reader.schema, reader.role]
    .toSorted((a, b) => b.length - a.length)
    .reduce((text, name) => text.replaceAll(name, '<own>'), `somebody | ${state}`)
}

async function outlookOf(
  run: RequestRun,
  session: StrategySession,
  sql: string,
): Promise<Outlook | null> {
  try {
    return outlookIn(await run.ask(session, sql))
  } catch {
    return null
  }
}

interface Judged {
  readonly reader: Tenant | null
  readonly used: Outlook
  readonly kind: string
}

async function judgeSights(
  run: RequestRun,
  session: StrategySession,
  { reader, used, kind }: Judged,
): Promise<void> {
  const { fresh, kinds } = run.scene
  let beyond = seenBeyond(used.sights, (await fresh.see(reader)).sights)
  // What somebody changed meanwhile is seen by a fresh connection too.
  if (beyond.length > 0) beyond = seenBeyond(used.sights, (await fresh.seeAgain(reader)).sights)
  if (beyond.length > 0) kinds.forget(kind)
  for (const difference of beyond) await testifyTo(run, session, { reader, difference })
}

interface Seen {
  readonly reader: Tenant | null
  readonly difference: Difference
}

function who(reader: Tenant | null): string {
  return reader === null ? 'A checkout without a tenant' : `A request of tenant ${reader.id}`
}

/**
 * With the mark of another tenant it is that tenant's row. A request may see more of its own than the platform's
 * context shows; what bears no mark is a slight thing there, and somebody's where there is no tenant.
 */
async function testifyTo(
  run: RequestRun,
  session: StrategySession,
  { reader, difference }: Seen,
): Promise<void> {
  const { address, used, fresh } = difference
  const rows = await run.observe(session, sightSql(address)).catch((): readonly Row[] => [])
  const owners = rows.map((row) => run.ownersIn(row))
  const victim = owners.flat().find((id) => id !== reader?.id)
  if (victim === undefined && owners.length > 0 && owners.every((ids) => ids.length > 0)) return
  const isRow = victim !== undefined
  const isSlight = reader !== null || address === 'lastval()'
  run.testify({
    sentence: isRow
      ? `${who(reader)} reads rows of ${victim} in ${address}, which a fresh connection does not see`
      : `${who(reader)} sees in ${address} what a fresh connection does not: ` +
        `${used ?? 'nothing'} (rows and hash) instead of ${fresh ?? 'nothing'}`,
    rows: isRow ? rows.filter((row) => run.ownersIn(row).includes(victim)) : [{ ...difference }],
    victim: victim ?? null,
    ...(isRow ? {} : { severity: isSlight ? 'low' : 'high' }),
  })
}

interface Compared {
  readonly reader: Tenant | null
  readonly fresh: Outlook
}

/** A setting that names another tenant is a context of its own, whoever reads it; any other one is a slight thing. */
function judgeSettings(run: RequestRun, used: Outlook, { reader, fresh }: Compared): void {
  const changed = Object.entries(used.settings).filter(
    ([name, value]) => value !== fresh.settings[name],
  )
  for (const [name, value] of changed) {
    const named = run.scene.world.tenants.find(
      (tenant) => tenant !== reader && names(value, tenant),
    )
    if (named === undefined) continue
    run.testify({
      sentence: `${who(reader)} finds the setting ${name} on its connection, and it names ${named.id}`,
      rows: [{ name, value }],
      victim: named.id,
      severity: name.includes('.') ? 'high' : 'low',
    })
  }
}

function names(value: string, { id, schema, role }: Tenant): boolean {
  return [id, schema, role].includes(value)
}
