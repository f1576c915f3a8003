/** What a call leaves on its connection: the next transaction looks around, without a context and in another one. */

import type { Attempt, Row, Statement, Step } from '../model/observation.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import { look, readableBy, type Sight } from '../world/sight.ts'
import type { World } from '../world/world.ts'

export interface Left {
  /** Who reads it, as a sentence names it. */
  readonly reader: string
  readonly owner: TenantId
  readonly relation: string
  readonly row: Row
}

export interface Leaving {
  readonly attacker: Tenant
  /** Whose transaction comes next. */
  readonly next: Tenant
  readonly call: Statement
}

/** The transaction of the call is read only, so that it can be committed: only what a session keeps remains. */
export async function leftBehind(
  world: World,
  { attacker, next, call }: Leaving,
): Promise<Attempt & { readonly left: readonly Left[] }> {
  await using session = await world.connect()
  const context = (sql: string) => session.observe({ sql, role: 'context' })
  const relations = readableBy(world, attacker)
  const without = async () => {
    await context('BEGIN READ ONLY')
    const sights = await look(session, world, { tenant: null, relations })
    await context('ROLLBACK')
    return sights
  }
  const before = new Set((await without()).map((sight) => JSON.stringify(sight)))
  await context('BEGIN READ ONLY')
  const steps: Step[] = []
  for (const statement of [...world.enter(attacker), call])
    steps.push({ ...statement, observation: await session.observe(statement) })
  await context('COMMIT')
  const nobody = (await without()).filter((sight) => !before.has(JSON.stringify(sight)))
  await context('BEGIN READ ONLY')
  for (const { sql } of world.enter(next)) await context(sql)
  const others = await look(session, world, { tenant: next, relations: readableBy(world, next) })
  await context('ROLLBACK')
  const left = [
    ...leftOf(world, nobody, { reader: 'a transaction without a context', but: null }),
    ...leftOf(world, others, { reader: `tenant ${next.id}`, but: next.id }),
  ]
  return { steps, backendPid: session.backendPid, left }
}

function leftOf(
  world: World,
  sights: readonly Sight[],
  { reader, but }: { readonly reader: string; readonly but: TenantId | null },
): readonly Left[] {
  return sights.flatMap(({ relation, row }) => {
    const owner = [...world.ownership.ownersIn(row)].find((each) => each !== but)
    return owner === undefined ? [] : [{ reader, owner, relation, row }]
  })
}
