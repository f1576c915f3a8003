/** What an answer of the service shows of other tenants: pure, over status, headers and body. */

import type { Attempt, Row, Value, Witness } from '../../model/observation.ts'
import type { TenantId } from '../../model/tenant.ts'
import type { Change } from '../../world/write-oracle.ts'
import type { World } from '../../world/world.ts'
import type { Answer, ServiceRequest } from './service-request.ts'

/** An attempt that remembers what was sent and what came back whole; plain data, as every attempt is. */
export interface ServiceAttempt extends Attempt {
  readonly exchanges: readonly Exchange[]
  readonly changes: readonly Change[]
}

export interface Exchange {
  readonly request: ServiceRequest
  readonly answer: Answer
}

export interface ServiceSuspicion {
  readonly world: World
  readonly attacker: TenantId
  /** Route as the sentence names it. */
  readonly object: string
  readonly command: string
}

const rowsShown = 5

/** Exchanges of an attempt that the service answered. */
export function exchangesOf(attempt: Attempt): readonly Exchange[] {
  return (attempt as Partial<ServiceAttempt>).exchanges ?? []
}

/** A mark of another tenant that the request did not bring along, or a row that says it is another tenant's. */
export function foreignAnswer(attempt: Attempt, suspicion: ServiceSuspicion): Witness | null {
  const { world, attacker, object, command } = suspicion
  for (const exchange of exchangesOf(attempt)) {
    const rows = rowsIn(exchange.answer).filter((row) => ownerOf(row, exchange, suspicion) !== null)
    const victim =
      rows[0] === undefined
        ? ownerOf({ whole: wholeOf(exchange.answer) }, exchange, suspicion)
        : ownerOf(rows[0], exchange, suspicion)
    if (victim === null || !world.tenants.some(({ id }) => id === victim)) continue
    const what = rows.length === 0 ? 'a value' : `${rows.length} row${rows.length === 1 ? '' : 's'}`
    return {
      sentence:
        `Tenant ${attacker} is answered ${what} of ${victim} by ${command} ${object}` +
        ` (HTTP ${exchange.answer.status})`,
      rows:
        rows.length > 0
          ? rows.slice(0, rowsShown)
          : [{ status: exchange.answer.status, answer: wholeOf(exchange.answer).slice(0, 400) }],
      victim,
      command,
    }
  }
  return null
}

/**
 * As `foreignAnswer`, where several tenants ask: to each what is another's is foreign. An id that the service made for
 * one of them and told the next is the answer to the first.
 */
export function foreignToItsAsker(attempt: Attempt, suspicion: ServiceSuspicion): Witness | null {
  const exchanges = exchangesOf(attempt)
  for (const exchange of exchanges) {
    const attacker = exchange.request.token?.tenant ?? suspicion.attacker
    const witness = foreignAnswer({ ...attempt, exchanges: [exchange] } as Attempt, {
      ...suspicion,
      attacker,
    })
    if (witness !== null) return witness
    const told = exchanges.find((other) => isToldAgain(other, exchange))
    if (told === undefined) continue
    const { command, object } = suspicion
    const victim = told.request.token?.tenant ?? null
    return {
      sentence: `Tenant ${attacker} is given the answer to ${String(victim)} by ${command} ${object}`,
      rows: rowsIn(exchange.answer).slice(0, rowsShown),
      victim,
      command,
    }
  }
  return null
}

const anyId = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi

/** An id that neither of the two sent, in what both made: answers to reads may share what belongs to nobody. */
function isToldAgain(one: Exchange, other: Exchange): boolean {
  if (one.request.method === 'GET' || one.request.token?.tenant === other.request.token?.tenant)
    return false
  const idsOf = (text: string) => text.match(anyId) ?? []
  const sent = [one, other].map(({ request }) => `${request.path} ${request.body ?? ''}`).join(' ')
  const made = new Set(idsOf(one.answer.body).filter((id) => !sent.includes(id)))
  return idsOf(other.answer.body).some((id) => made.has(id))
}

/**
 * Objects in the body that look like rows: those of a list, or the body itself; of a text its lines. Values are flat,
 * as in any row.
 */
export function rowsIn({ body, headers }: Answer): readonly Row[] {
  if (/^content-type: text\/plain/im.test(headers)) {
    return body
      .split('\n')
      .filter((line) => line.trim() !== '')
      .map((line) => ({ line }))
  }
  const parsed = parsedJson(body)
  if (typeof parsed !== 'object' || parsed === null) return []
  const lists = Array.isArray(parsed) ? [parsed] : Object.values(parsed).filter(Array.isArray)
  const found: readonly unknown[] = lists.length > 0 ? lists.flat() : [parsed]
  return found.flatMap((each) => (typeof each !== 'object' || each === null ? [] : [flat(each)]))
}

/** Another tenant than the attacker; null when there is none, or only what the request named. */
function ownerOf(
  row: Row,
  { request, answer }: Exchange,
  { world, attacker }: ServiceSuspicion,
): TenantId | null {
  const unbrought = Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'string' && name !== 'tenant_id' ? without(value, request.brought) : value,
    ]),
  )
  // Who is refused in the name of another reads that name; who is granted it has another's row.
  const tenantColumn = answer.status < 400 ? 'tenant_id' : null
  return (
    [...world.ownership.ownersIn(unbrought, { tenantColumn })].find(
      (owner) => owner !== attacker,
    ) ?? null
  )
}

function without(text: string, brought: readonly string[]): string {
  return brought.reduce((rest, mark) => rest.replaceAll(mark, ''), text)
}

function wholeOf({ headers, body }: Answer): string {
  return `${headers}\n${body}`
}

function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function flat(value: object): Row {
  const text = (each: unknown): Value =>
    each === null || ['string', 'number', 'boolean'].includes(typeof each)
      ? (each as Value)
      : JSON.stringify(each)
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, text(each)]))
}
