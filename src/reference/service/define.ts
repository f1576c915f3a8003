/** Probes that attack over HTTP: what was sent and answered are the steps of an attempt, as SQL is elsewhere. */

import { messageOf } from '../../errors.ts'
import type { Observation, Row, Step } from '../../model/observation.ts'
import type { Tenant, TenantId } from '../../model/tenant.ts'
import type { Cell } from '../../probe/define.ts'
import { hasValue } from '../../attack/forms/oracle.ts'
import type { World } from '../../world/world.ts'
import { rowsIn, type Exchange, type ServiceAttempt } from './answers.ts'
import { honestRequest, type Aim } from './inputs.ts'
import { routeOf } from './routes.ts'
import { curlOf, observationOf, type Answer, type ServiceRequest } from './service-request.ts'
import { serviceRig, type ServiceRig } from './service-rig.ts'

export interface Sending {
  readonly attacker: TenantId
  readonly role?: Step['role']
  /** What the admin reads before and after, as steps `proof`: what the database knows of it. */
  readonly proof?: string
  /** Sent without waiting for the answers. */
  readonly together?: boolean
}

/** A request, or one that follows from the answer before; null when it does not. */
export type Sendable = ServiceRequest | ((before: Answer) => ServiceRequest | null)

/**
 * Sends the requests one after the other, once for all probes that ask the same. What may write runs alone: its
 * changes are seen, and undone afterwards. Never throws: without an answer the step is indeterminate.
 */
export async function sendAll(
  world: World,
  requests: readonly Sendable[],
  sending: Sending,
): Promise<ServiceAttempt> {
  const rig = await world.companion(serviceRig)
  const { attacker, role = 'attack', proof, together = false } = sending
  const fixed = requests.filter((request) => typeof request !== 'function')
  // What follows from an answer is said by what comes before it and by the role.
  const question = JSON.stringify([fixed, requests.length, attacker, role, proof, together])
  const isRead =
    proof === undefined && fixed.every(({ method }) => ['GET', 'HEAD'].includes(method))
  const ask = () =>
    isRead
      ? rig.shared(async () => ({
          ...(await exchanged(rig, requests, { role, together })),
          changes: [],
        }))
      : rig.exclusive(() =>
          alone(rig, requests, { attacker, role, together, ...(proof && { proof }) }),
        )
  // Only one probe reads foreign rows, and only one proves what it asks: nobody comes back for these.
  return proof !== undefined || (isRead && role === 'attack') ? ask() : rig.once(question, ask)
}

async function alone(
  rig: ServiceRig,
  requests: readonly Sendable[],
  { attacker, proof, ...how }: Sending,
): Promise<ServiceAttempt> {
  const before = proof === undefined ? [] : [proved(proof, await rig.rows.atFirst(proof))]
  const { steps, ...seen } = await exchanged(rig, requests, how)
  const [after, changes] = await Promise.all([
    proof === undefined ? [] : rig.rows.query(proof),
    rig.rows.changesFor(attacker),
  ])
  return {
    ...seen,
    steps: [...before, ...steps, ...(proof === undefined ? [] : [proved(proof, after)])],
    changes,
  }
}

function proved(sql: string, rows: readonly Row[]): Step {
  return {
    sql,
    role: 'proof',
    observation: { kind: 'rows', rows, affected: null, truncated: false },
  }
}

async function exchanged(
  rig: ServiceRig,
  requests: readonly Sendable[],
  { role = 'attack', together = false }: Pick<Sending, 'role' | 'together'>,
): Promise<Omit<ServiceAttempt, 'changes'>> {
  const steps: Step[] = []
  const exchanges: Exchange[] = []
  const ask = async (request: ServiceRequest) => {
    const step = (observation: Observation) =>
      steps.push({ sql: curlOf(request), role, observation })
    try {
      const answer = await rig.send(request)
      exchanges.push({ request, answer })
      step(observationOf(answer))
    } catch (error) {
      step({ kind: 'indeterminate', sqlstate: null, message: messageOf(error) })
    }
  }
  if (together) {
    await Promise.all(requests.filter((each) => typeof each !== 'function').map(ask))
    return { steps, exchanges, backendPid: null }
  }
  for (const sendable of requests) {
    const before = exchanges.at(-1)?.answer
    const request =
      typeof sendable !== 'function' ? sendable : before === undefined ? null : sendable(before)
    if (request === null) break
    await ask(request)
  }
  return { steps, exchanges, backendPid: null }
}

/** The same route as an honest client asks it: the tenant's own rows are what it must show. */
export async function honestControl(
  world: World,
  cell: Cell,
  tenant: Tenant,
): Promise<ServiceAttempt> {
  const aim: Aim = { world, route: routeOf(cell), cell }
  const requests = honestRequests(aim, tenant.id)
  const sent = await sendAll(world, requests, { attacker: tenant.id, role: 'control' })
  const last = sent.exchanges.at(-1)
  const steps = sent.steps.map((step, index): Step =>
    index < sent.steps.length - 1 || last === undefined
      ? { ...step, role: 'context' }
      : { ...step, observation: ownRows(aim, tenant, last) ?? step.observation },
  )
  return { ...sent, steps }
}

/** A row that others point to cannot be deleted, so the one that is deleted is made before. */
function honestRequests(aim: Aim, tenant: TenantId): readonly Sendable[] {
  const request = honestRequest(aim, tenant)
  if (request === null || aim.route.method !== 'DELETE') return request === null ? [] : [request]
  const path = aim.route.path.replace('/:id', '')
  const creation = honestRequest({ ...aim, route: { ...aim.route, method: 'POST', path } }, tenant)
  if (creation === null) return []
  return [
    creation,
    (created) => {
      const id = rowsIn(created)[0]?.['id']
      return typeof id === 'string' ? { ...request, path: `${path}/${id}` } : null
    },
  ]
}

/**
 * Null where nothing was granted. A row is the tenant's own by its mark, or by the id that was asked for, as what was
 * removed is. Where there are no rows of a table, as in sums, whatever has a value came by the tenant's own token.
 */
function ownRows(aim: Aim, tenant: Tenant, { request, answer }: Exchange): Observation | null {
  if (answer.status >= 400) return null
  const own = rowsIn(answer).filter((row) => {
    if (aim.world.ownership.ownersIn(row, { tenantColumn: 'tenant_id' }).has(tenant.id)) return true
    if (aim.route.resource !== null)
      return typeof row['id'] === 'string' && request.path.endsWith(`/${row['id']}`)
    return !('tenant_id' in row) && hasValue(row)
  })
  return { kind: 'rows', rows: own.slice(0, 5), affected: null, truncated: own.length > 5 }
}
