/** Twins: the same request about another tenant's row and about one that is not there. They are answered alike. */

import fc from 'fast-check'
import type { Attempt } from '../../model/observation.ts'
import type { Cell } from '../../probe/define.ts'
import { anyPair, type Pair } from '../../attack/shared-inputs.ts'
import type { World } from '../../world/world.ts'
import { exchangesOf, type Exchange } from './answers.ts'
import { requestOf, type Aim } from './inputs.ts'
import { routeOf } from './routes.ts'
import type { ServiceRequest } from './service-request.ts'

/**
 * What the request names of the victim: the row, a row that it would point to, values that must be unique; the row,
 * too, where only its head is asked for, or on a condition.
 */
export type TwinForm = 'row' | 'reference' | 'value' | 'head of a row' | 'row on a condition'

export interface Twin extends Pair {
  readonly form: TwinForm
  readonly strict: boolean
}

/** Forms that the route can take; none where it names no row. */
export function twinForms(cell: Cell): readonly TwinForm[] {
  const { path, method, resource } = routeOf(cell)
  const writes = resource !== null && ['POST', 'PATCH'].includes(method)
  return [
    ...(path.includes(':id') ? ['row' as const] : []),
    ...(path.includes(':id') && method === 'GET' ? ['head of a row' as const] : []),
    ...(path.includes(':id') ? ['row on a condition' as const] : []),
    ...(writes && resource.table.references.length > 0 ? ['reference' as const] : []),
    ...(writes && resource.table.columns.some(({ unique }) => unique === true)
      ? ['value' as const]
      : []),
  ]
}

export function anyTwin(world: World, cell: Cell): fc.Arbitrary<Twin> {
  return fc
    .record({
      pair: anyPair(world, cell.object),
      form: fc.constantFrom(...twinForms(cell)),
      strict: fc.boolean(),
    })
    .map(({ pair, ...rest }) => ({ ...pair, ...rest }))
}

/** Null when the victim has no such row. */
export function twinsOf(
  aim: Aim,
  { form, ...input }: Twin,
): readonly [ServiceRequest, ServiceRequest] | null {
  const row = form === 'reference' ? 'reference' : form === 'value' ? 'own' : 'foreign'
  const plain = requestOf(aim, { ...input, row, named: 'nowhere', text: '' })
  if (plain === null) return null
  const request = inForm(plain, form)
  if (form === 'value') return valueTwins(aim, input, request)
  const instead = (text: string) =>
    request.brought.reduce((all, mark) => all.replaceAll(mark, absent(mark)), text)
  const twin = {
    ...request,
    path: instead(request.path),
    body: request.body === null ? null : instead(request.body),
  }
  return [request, { ...twin, brought: request.brought.map(absent) }]
}

/** Either condition is false of one of the two, where the row is found before its owner is. */
function inForm(request: ServiceRequest, form: TwinForm): ServiceRequest {
  if (form === 'head of a row') return { ...request, method: 'HEAD' }
  if (form !== 'row on a condition') return request
  const condition = request.method === 'GET' ? 'if-none-match' : 'if-match'
  return { ...request, headers: { ...request.headers, [condition]: '*' } }
}

function valueTwins(
  { route, cell }: Aim,
  { victim }: Pair,
  request: ServiceRequest,
): readonly [ServiceRequest, ServiceRequest] | null {
  const taken = cell.object?.samplesOf(victim)[0]
  const columns =
    route.resource?.table.columns.filter(({ unique }) => unique === true).map(({ name }) => name) ??
    []
  if (taken === undefined || columns.length === 0 || request.body === null) return null
  const honest = JSON.parse(request.body) as Record<string, unknown>
  const withValues = (of: (text: string) => string): ServiceRequest => {
    const values = Object.fromEntries(columns.map((name) => [name, of(String(taken[name]))]))
    return {
      ...request,
      body: JSON.stringify({ ...honest, ...values }),
      brought: Object.values(values),
    }
  }
  return [withValues((text) => text), withValues((text) => [...text].reverse().join(''))]
}

/** As long, and nobody's: planted ids count up from zero in their last part. */
function absent(id: string): string {
  return id.replace(/[0-9a-f]{12}$/i, (last) =>
    [...last].map((digit) => (15 - Number.parseInt(digit, 16)).toString(16)).join(''),
  )
}

const varying = ['date', 'content-length']

/** Two answers that differ in more than what was asked about, what is new and when; null when one is missing. */
export function twinsDiffer(attempt: Attempt): readonly [string, string] | null {
  const exchanges = exchangesOf(attempt)
  if (exchanges.length < 2 || exchanges.some(({ answer }) => answer.status === 503)) return null
  const [one = '', other = ''] = exchanges.map(comparable)
  return one === other ? null : [one, other]
}

function comparable({ request, answer }: Exchange): string {
  // Of a body that is not sent, its length is what is told.
  const left = request.method === 'HEAD' ? varying.slice(0, 1) : varying
  const headers = answer.headers
    .split('\n')
    .filter((line) => !left.includes(line.split(':')[0] ?? ''))
  const whole = [`HTTP ${answer.status}`, ...headers, answer.body].join('\n')
  return request.brought
    .reduce((text, mark) => text.replaceAll(mark, '<it>'), whole)
    .replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/gi, '<id>')
    .replace(/\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d[\d.]*/g, '<time>')
}
