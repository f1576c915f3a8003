/** Requests that the service was not written for: another row or tenant in every place that somebody may trust. */

import type { TenantId } from '../../model/tenant.ts'
import { requestOf, type Aim } from './inputs.ts'
import type { ServiceRequest } from './service-request.ts'
import { issued } from './token-forge.ts'

export interface OddAsk {
  readonly attacker: TenantId
  readonly victim: TenantId
  readonly strict: boolean
}

interface Odd {
  /** What the attacker may ask, and the same about the victim's row. */
  readonly own: ServiceRequest
  readonly foreign: ServiceRequest
  readonly method: string
  /** Ids of a row of each; empty where rows have none. */
  readonly ownId: string
  readonly foreignId: string
  readonly label: string
}

type OddForm = (odd: Odd) => readonly ServiceRequest[]

const inQuery =
  (...names: readonly string[]): OddForm =>
  ({ own, foreignId }) => [
    { ...own, path: names.reduce((path, name) => withQuery(path, name, foreignId), own.path) },
  ]

/** Only where there is a body. */
const inBody =
  (bodyOf: (own: Readonly<Record<string, unknown>>, odd: Odd) => unknown): OddForm =>
  (odd) =>
    odd.own.body === null
      ? []
      : [{ ...odd.own, body: JSON.stringify(bodyOf(fieldsOf(odd.own.body), odd)) }]

const forms: Readonly<Record<string, OddForm>> = {
  'id in the body': inBody((own, { foreignId }) => ({ ...own, id: foreignId })),
  'ids in the body': inBody((own, { foreignId }) => ({ ...own, ids: [foreignId] })),
  'id in a part of the body': inBody((own, { foreignId }) => {
    const part = { ...own, id: foreignId }
    return { ...own, where: part, filter: part, data: part, key: part }
  }),
  'id twice in the body': ({ own, ownId, foreignId }) =>
    own.body === null
      ? []
      : [
          { ...own, body: `{"id":"${foreignId}","id":"${ownId}",${own.body.slice(1)}` },
          { ...own, body: `{"id":"${ownId}","id":"${foreignId}",${own.body.slice(1)}` },
        ],
  'a list as the body': inBody((own, { ownId, foreignId }) => [
    { ...own, id: ownId },
    { ...own, id: foreignId },
  ]),
  'id in the query': inQuery('id'),
  'ids in the query': inQuery('ids', 'id[]', 'ids[]', 'filter[id]', 'key'),
  HEAD: ({ own, foreign, method }) =>
    method === 'GET' ? [own, foreign].map((each) => ({ ...each, method: 'HEAD' })) : [],
  // Whoever believes one of them does not mind the others.
  'what proxies say': ({ own, foreign, label }) => [
    {
      ...own,
      headers: {
        ...own.headers,
        host: `${label}.example`,
        'x-forwarded-host': `${label}.example`,
        'x-forwarded-server': `${label}.example`,
        forwarded: `for=127.0.0.1;host=${label}.example`,
        origin: `https://${label}.example`,
        referer: `https://${label}.example${foreign.path}`,
        'x-forwarded-for': '127.0.0.1',
        'x-forwarded-prefix': `/${label}`,
        'x-forwarded-user': label,
        'x-remote-user': label,
        'x-user-id': label,
        'x-organization-id': label,
        'x-original-url': foreign.path,
        'x-rewrite-url': foreign.path,
        'x-forwarded-uri': foreign.path,
      },
    },
  ],
  'with a condition': ({ foreign }) => [
    { ...foreign, headers: { ...foreign.headers, 'if-match': '*', 'if-none-match': '"1"' } },
  ],
  'another method': ({ own, foreign, method }) => {
    const sent = method === 'POST' ? 'GET' : 'POST'
    const body = sent === 'GET' ? null : (own.body ?? '{}')
    const typed = { ...foreign, method: sent, body }
    return [
      {
        ...typed,
        headers: {
          'content-type': 'application/json',
          'x-http-method-override': method,
          'x-http-method': method,
          'x-method-override': method,
        },
      },
      {
        ...typed,
        path: withQuery(foreign.path, '_method', method),
        headers: { 'content-type': 'application/json' },
      },
    ]
  },
}

export const oddForms: readonly string[] = Object.keys(forms)

/** Requests of the named forms, one behind the other. None when one of the two has no row that they need. */
export function oddRequests(
  aim: Aim,
  ask: OddAsk,
  names: readonly string[],
): readonly ServiceRequest[] {
  const odd = oddOf(aim, ask)
  if (odd === null) return []
  return names
    .flatMap((name) => forms[name]?.(odd) ?? [])
    .map((request) => ({ ...request, brought: [odd.foreignId].filter((id) => id !== '') }))
}

/** The victim with a key of its own choice, then the attacker with the same one. */
export function keyUsedTwice(aim: Aim, ask: OddAsk): readonly ServiceRequest[] {
  const key = `watertight-${ask.victim.length}-${aim.route.method}`
  const headers = { 'idempotency-key': key, 'x-idempotency-key': key, 'x-request-id': key }
  return [ask.victim, ask.attacker, ask.victim].flatMap((tenant) => {
    const request = ownRequest(aim, tenant, ask.strict)
    return request === null ? [] : [{ ...request, headers: { ...request.headers, ...headers } }]
  })
}

/** Word for word the same, each with the token of another tenant: what the victim asks, and the attacker with it. */
export function sameAtOnce(aim: Aim, ask: OddAsk): readonly ServiceRequest[] {
  const asked = ownRequest(aim, ask.victim, ask.strict)
  if (asked?.token == null) return []
  return [ask.victim, ask.attacker, ask.victim, ask.attacker].map((tenant) => ({
    ...asked,
    token: { tenant, kind: issued },
    brought: tenant === ask.victim ? [] : broughtBy(asked),
  }))
}

function oddOf(aim: Aim, ask: OddAsk): Odd | null {
  const own = ownRequest(aim, ask.attacker, ask.strict)
  const foreign = requestOf(aim, { ...ask, row: 'foreign', named: 'nowhere', text: '' })
  if (own === null || foreign === null) return null
  const idOf = (tenant: TenantId) => String(aim.cell.object?.samplesOf(tenant)[0]?.['id'] ?? '')
  return {
    own,
    foreign: { ...foreign, body: own.body },
    method: aim.route.method,
    ownId: idOf(ask.attacker),
    foreignId: idOf(ask.victim),
    label: ask.victim.toLowerCase().replace(/[^a-z0-9-]+/g, '-'),
  }
}

function ownRequest(aim: Aim, tenant: TenantId, strict: boolean): ServiceRequest | null {
  const input = { attacker: tenant, victim: tenant, row: 'own', named: 'nowhere' } as const
  return requestOf(aim, { ...input, text: '', strict })
}

/** Ids of the path, and values of the body that are long enough to be somebody's. */
function broughtBy({ path, body }: ServiceRequest): readonly string[] {
  const ids = path.match(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi) ?? []
  const values = Object.values(body === null ? {} : fieldsOf(body))
  return [...ids, ...values.filter((value) => typeof value === 'string').filter(isLong)]
}

const isLong = (text: string) => text.length > 5

function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  return JSON.parse(body) as Record<string, unknown>
}

function withQuery(path: string, name: string, value: string): string {
  return `${path}${path.includes('?') ? '&' : '?'}${new URLSearchParams([[name, value]]).toString()}`
}
