import { expect, test } from 'vitest'
import { planSeed } from '../seed/plan.ts'
import { plantedOwnership } from '../../world/planted-marks.ts'
import type { World } from '../../world/world.ts'
import { foreignAnswer, type ServiceAttempt } from './answers.ts'
import { curlOf, observationOf, type Answer, type ServiceRequest } from './service-request.ts'
import { twinsDiffer } from './twins.ts'

const { plannedTenants: tenants } = planSeed({ seed: 1, tenants: 3, rows: 10 })
const world = {
  tenants,
  ownership: plantedOwnership(tenants, { bySchema: false, columns: ['tenant_id'] }),
} as unknown as World
const [one, other] = tenants
if (one === undefined || other === undefined) throw new Error('the plan has no tenants')
const idOf = ({ tag }: { readonly tag: string }) => `${tag}-1111-8111-a111-111111111111`

const request: ServiceRequest = {
  method: 'GET',
  path: '/customers',
  headers: {},
  body: null,
  strict: false,
  brought: [],
  token: { tenant: one.id, kind: 'issued' },
}

function attemptOf(
  ...exchanges: { answer: Partial<Answer>; brought?: string[] }[]
): ServiceAttempt {
  return {
    steps: [],
    backendPid: null,
    changes: [],
    exchanges: exchanges.map(({ answer, brought = [] }) => ({
      request: { ...request, brought },
      answer: { status: 200, headers: '', body: '{}', ...answer },
    })),
  }
}

const seenIn = (answer: Partial<Answer>, brought: string[] = []) =>
  foreignAnswer(attemptOf({ answer, brought }), {
    world,
    attacker: one.id,
    object: '/customers',
    command: 'GET',
  })?.victim ?? null

test('a foreign mark is seen in a row, in an error, in a header and in a nested value', () => {
  expect(
    seenIn({ body: JSON.stringify({ items: [{ id: idOf(one) }, { id: idOf(other) }] }) }),
  ).toBe(other.id)
  expect(seenIn({ status: 404, body: JSON.stringify({ detail: `not ${other.watermark}` }) })).toBe(
    other.id,
  )
  expect(seenIn({ headers: `x-owner: ${other.watermark}` })).toBe(other.id)
  expect(seenIn({ body: JSON.stringify({ a: { b: [{ c: other.watermark }] } }) })).toBe(other.id)
  expect(seenIn({ body: JSON.stringify({ items: [{ tenant_id: other.id, n: 1 }] }) })).toBe(
    other.id,
  )
  expect(seenIn({ status: 500, body: `duplicate key (${other.watermark})` })).toBe(other.id)
})

test('own rows, and what the request itself brought along, are nothing foreign', () => {
  expect(
    seenIn({ body: JSON.stringify({ items: [{ id: idOf(one), tenant_id: one.id }] }) }),
  ).toBeNull()
  expect(
    seenIn({ status: 404, body: JSON.stringify({ detail: `no ${idOf(other)}` }) }, [idOf(other)]),
  ).toBeNull()
  expect(seenIn({ status: 403, body: JSON.stringify({ tenant_id: other.id }) })).toBeNull()
})

test("who is granted a row in another's name has it, whatever the request brought", () => {
  expect(
    seenIn({ body: JSON.stringify({ id: idOf(other), tenant_id: other.id }) }, [idOf(other)]),
  ).toBe(other.id)
})

test('an error of the service is neither a refusal nor a row', () => {
  const kinds = [200, 201, 401, 404, 422, 500, 503].map(
    (status) => observationOf({ status, headers: '', body: '' }).kind,
  )
  expect(kinds).toEqual([
    'rows',
    'rows',
    'refused',
    'refused',
    'refused',
    'indeterminate',
    'indeterminate',
  ])
})

test('twins differ by status, body or header, not by what is new or when it was', () => {
  const pair = (there: Partial<Answer>, absent: Partial<Answer>) =>
    twinsDiffer(
      attemptOf(
        { answer: there, brought: [idOf(other)] },
        { answer: absent, brought: [idOf(one)] },
      ),
    ) !== null
  expect(pair({ status: 403 }, { status: 404 })).toBe(true)
  expect(pair({ body: '{"detail":"taken"}' }, { body: '{"detail":"free"}' })).toBe(true)
  expect(pair({ headers: 'etag: "1"' }, { headers: 'etag: "2"' })).toBe(true)
  expect(pair({ body: `{"id":"${idOf(other)}"}` }, { body: `{"id":"${idOf(one)}"}` })).toBe(false)
  expect(
    pair(
      { body: '{"at":"2026-01-01 10:00:00.1+00"}', headers: 'content-length: 9' },
      { body: '{"at":"2026-01-01 10:00:00.12+00"}', headers: 'content-length: 10' },
    ),
  ).toBe(false)
  expect(pair({ status: 503 }, { status: 404 })).toBe(false)
})

test('a curl line carries no token, and no quote of a value ends its argument', () => {
  const line = curlOf({
    ...request,
    method: 'PATCH',
    path: "/customers/'; rm -rf /",
    body: '{"notes":"it\'s"}',
  })
  expect(line).toContain("\"$SERVICE\"'/customers/'\\''; rm -rf /'")
  expect(line).toContain("--data-binary '{\"notes\":\"it'\\''s\"}'")
  expect(line).toContain('Bearer $TOKEN')
})
