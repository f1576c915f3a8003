import { expect, test } from 'vitest'
import { recordAccess } from './audit/record-access.ts'
import { withAuditedTenant } from './audit/with-audited-tenant.ts'
import { tenantScopeQuery } from './tenant-scope-query.ts'
import { ispModel } from './models/define.ts'
import { withTenant } from './with-tenant.ts'

/** Nothing of what is refused may get as far as a server. */
const unreached = { connect: () => Promise.reject(new Error('the server was asked')) }
const entry = { tenant: { id: 'acme' }, userId: 'ann', tableName: 't', operation: 'SELECT' }
const coded = { code: expect.stringMatching(/^WATERTIGHT_/) as string }

const entries: readonly unknown[] = [
  null,
  undefined,
  5,
  {},
  { ...entry, userId: undefined },
  { ...entry, userId: 7 },
  { ...entry, tableName: null },
  { ...entry, operation: ['SELECT'] },
  { ...entry, clientIp: 5 },
  { ...entry, userAgent: {} },
  { ...entry, tenant: null },
  { ...entry, tenant: 'acme' },
  { ...entry, tenant: { id: 5 } },
]
const requests: readonly unknown[] = [
  ...entries,
  { ...entry, requestedTenantId: null },
  { ...entry, requestedTenantId: 5 },
  { ...entry, aim: 5 },
]

test.each(requests)('an audited request of %j is refused with a code', async (request) => {
  await expect(
    withAuditedTenant(unreached, request as never, () => Promise.resolve(1)),
  ).rejects.toMatchObject(coded)
})

test.each(entries)('an entry of %j is refused with a code', async (given) => {
  const success = typeof given === 'object' && given !== null ? { ...given, success: true } : given
  await expect(recordAccess(unreached, success as never)).rejects.toMatchObject(coded)
})

test.each([
  null,
  undefined,
  5,
  {},
  { id: null },
  { id: 'acme', tenancy: 'none' },
  ['acme'],
  { id: 'acme', tenancy: 'schema-per-tenant', mapped: { schema: 5, role: 'r' } },
  { id: 'acme', tenancy: 'schema-per-tenant', mapped: { schema: '', role: 'r' } },
  { id: 'acme', tenancy: 'schema-per-tenant', mapped: 'tenant_acme' },
])('a tenant of %j is refused with a code', async (tenant) => {
  await expect(
    withTenant(unreached, tenant as never, () => Promise.resolve(1)),
  ).rejects.toMatchObject(coded)
})

const work = () => Promise.resolve()
test.each([
  [null, work],
  [{}, work],
  [unreached, undefined],
  [unreached, 'SELECT 1'],
])('the pool %j and the work %s are refused with a code', async (pool, given) => {
  await expect(withTenant(pool as never, 'acme', given as never)).rejects.toMatchObject({
    code: 'WATERTIGHT_TENANT_WORK',
  })
})

test.each([null, undefined, 5, ' '])(
  'a query of the tenant %j is refused with a code',
  (tenant) => {
    const model = ispModel('isp_things', { columns: [{ name: 'a', type: 'text' }] })
    expect(() => tenantScopeQuery(model, tenant as never)).toThrow(expect.objectContaining(coded))
  },
)
