/** What an attacker sends to a route: whose rows it asks for, where it names another tenant, and hostile texts. */

import fc from 'fast-check'
import type { Row } from '../../model/observation.ts'
import type { TenantId } from '../../model/tenant.ts'
import type { Cell } from '../../probe/define.ts'
import { anyPair, everyAttacker } from '../../attack/shared-inputs.ts'
import type { World } from '../../world/world.ts'
import type { Route } from './routes.ts'
import type { ServiceRequest } from './service-request.ts'
import { issued } from './token-forge.ts'

/** Where the victim is named beside the token: a place and a name in it. */
const namings = [
  'nowhere',
  'query tenant_id',
  'query tenant',
  'query tenantId',
  'query tenant-id',
  'query filter[tenant_id]',
  'header x-tenant-id',
  'header x-tenant',
  'header tenant-id',
  'header tenant',
  'header x-forwarded-tenant',
  'header x-scope-orgid',
  'cookie tenant_id',
  'body tenant_id',
  'body tenant',
  'body tenantId',
  'body tenant-id',
  'body customer',
] as const

/** The first asks as an honest client does. */
const texts = [
  '',
  "' OR '1'='1",
  "') OR true --",
  '%',
  '*',
  '1e3',
  '-1',
  '0',
  '{"$ne":null}',
  '../../admin/reports/tenants',
  '\u0000',
  '\ud83d\ude80',
  '9999-12-31',
  'null',
  'x'.repeat(300),
] as const

export interface ServiceInput {
  readonly attacker: TenantId
  readonly victim: TenantId
  /** Whose row is asked for; `reference`: a row of the attacker's own that shall point to one of the victim. */
  readonly row: 'own' | 'foreign' | 'reference'
  readonly named: (typeof namings)[number]
  readonly text: string
  readonly strict: boolean
}

export function anyServiceInput(world: World, { object }: Cell): fc.Arbitrary<ServiceInput> {
  return fc
    .record({
      pair: anyPair(world, object),
      row: fc.constantFrom('foreign' as const, 'reference' as const, 'own' as const),
      named: fc.constantFrom(...namings),
      text: fc.constantFrom(...texts),
      strict: fc.boolean(),
    })
    .map(
      ({ pair, ...rest }) => ({ ...pair, ...rest }),
      (value) => {
        const { attacker, victim, ...rest } = value as ServiceInput
        return { pair: { attacker, victim }, ...rest }
      },
    )
}

/** Every way of naming the victim once, then every tenant as attacker; a short search takes the first ones. */
export function firstServiceInputs(world: World, { object }: Cell): readonly ServiceInput[] {
  const pairs = everyAttacker(world, object)
  const plain = { row: 'foreign', named: 'nowhere', text: '', strict: false } as const
  const first = ['nowhere', 'header x-tenant-id', 'body tenant_id', 'query tenant_id'] as const
  return pairs
    .slice(0, 1)
    .flatMap((pair) => [
      ...first.map((named) => ({ ...pair, ...plain, named })),
      { ...pair, ...plain, row: 'own' as const, named: 'body tenant_id' as const },
      { ...pair, ...plain, row: 'reference' as const },
      { ...pair, ...plain, strict: true },
      ...namings
        .filter((named) => !first.some((each) => each === named))
        .map((named) => ({ ...pair, ...plain, named })),
    ])
    .concat(pairs.slice(1).map((pair) => ({ ...pair, ...plain })))
}

export interface Aim {
  readonly world: World
  readonly route: Route
  readonly cell: Cell
}

/** Null when the victim, or the attacker, has no row that the request needs. */
export function requestOf({ world, route, cell }: Aim, input: ServiceInput): ServiceRequest | null {
  const { attacker, victim, text, strict } = input
  const [place = '', name = ''] = input.named.split(' ')
  const subject = input.row === 'foreign' ? victim : attacker
  const row = cell.object?.samplesOf(subject)[0]
  const own = cell.object?.samplesOf(attacker)[0]
  if (cell.object !== null && (row === undefined || own === undefined)) return null
  const id = String(row?.['id'] ?? '')
  const query = new URLSearchParams(route.path.includes(':') ? [] : listQuery(route, { row, text }))
  if (place === 'query') query.append(name, victim)
  const needsBody = route.method === 'POST' || route.method === 'PATCH'
  const reference = referencesOf(world, route, input.row === 'own' ? attacker : victim)
  const body = needsBody
    ? JSON.stringify({
        ...bodyOf(route, own ?? {}),
        ...reference,
        ...(text === '' ? {} : { notes: text }),
        ...(place !== 'body'
          ? {}
          : { [name]: name === 'customer' ? { id, tenant_id: victim } : victim }),
      })
    : null
  const path = pathOf(route, id, text)
  return {
    method: route.method,
    path: query.size === 0 ? path : `${path}?${query.toString()}`,
    strict,
    body,
    headers: {
      ...(needsBody ? { 'content-type': 'application/json' } : {}),
      ...(place === 'header' ? { [name]: headerText(victim) } : {}),
      ...(place === 'cookie' ? { cookie: `${name}=${encodeURIComponent(victim)}` } : {}),
    },
    token: route.isGuarded ? { tenant: attacker, kind: issued } : null,
    brought: [
      ...(subject === victim && id !== '' ? [id] : []),
      ...(input.row === 'own' ? [] : Object.values(reference)),
    ],
  }
}

/** What an honest client of the tenant asks of this route; its own row is what it must see. */
export function honestRequest(aim: Aim, tenant: TenantId): ServiceRequest | null {
  const request = requestOf(aim, {
    attacker: tenant,
    victim: tenant,
    row: 'own',
    named: 'nowhere',
    text: '',
    strict: true,
  })
  if (request?.token == null || !aim.route.path.startsWith('/admin/')) return request
  return { ...request, token: { ...request.token, scope: 'reporting' } }
}

function pathOf({ path }: Route, id: string, text: string): string {
  const reports = ['tenants', 'revenue', 'usage']
  return path
    .replace(':id', id + encodeURIComponent(text.toWellFormed()))
    .replace(':name', reports[text.length % reports.length] ?? '')
}

/** Pages as long as they may be, so that nothing foreign hides behind the end of the first. */
function listQuery(
  { path, resource }: Route,
  { row, text }: { readonly row: Row | undefined; readonly text: string },
): [string, string][] {
  if (path === '/usage') return text === '' ? [] : [['from', text]]
  if (resource === null) return text === '' ? [] : [['q', text]]
  if (text === '') return [['limit', '1000']]
  const cursor = Buffer.from(JSON.stringify(['9999-12-31', row?.['id'] ?? ''])).toString(
    'base64url',
  )
  return text === '*' ? [['cursor', cursor]] : [['limit', text]]
}

/** A row like one of the tenant's own; what must be unique is new. */
function bodyOf({ method, resource }: Route, own: Row): Record<string, unknown> {
  if (resource === null || method !== 'POST') return { notes: 'written by a probe' }
  const entries = resource.table.columns
    .filter(({ name }) => resource.writable.includes(name))
    .map(
      ({ name, unique }) =>
        [name, unique === true ? `new ${String(own[name])}` : (own[name] ?? null)] as const,
    )
  return Object.fromEntries(entries)
}

/** Ids of rows that the written row would point to. */
function referencesOf(
  world: World,
  { resource, method }: Route,
  subject: TenantId,
): Record<string, string> {
  if (resource === null || resource.writable.length === 0 || !['POST', 'PATCH'].includes(method))
    return {}
  return Object.fromEntries(
    resource.table.references.flatMap(({ column, table }) => {
      const row = world.objects.find(({ name }) => name === table)?.samplesOf(subject)[0]
      return row === undefined ? [] : [[column, String(row['id'])]]
    }),
  )
}

/** A header is Latin-1 without line breaks: other names travel as their UTF-8 bytes, as clients send them. */
function headerText(text: string): string {
  return Buffer.from(text.replace(/[\r\n\0]/g, ' '), 'utf8')
    .toString('latin1')
    .trim()
}
