import { expect, test } from 'vitest'
import type { Tenant } from '../model/tenant.ts'
import { backendIn, claimsIn } from './session-context.ts'

const tenants = ['acme', 'globex'].map(
  (id) => ({ id, schema: `tenant_${id}`, role: `role_${id}` }) as Tenant,
)

test('the server names a tenant by setting, and by role and path only where these identify one', () => {
  const row = {
    context_setting: '',
    context_role: 'role_acme',
    context_path: 'tenant_globex shared',
  }
  expect(claimsIn(row, { tenancy: 'row-level-security', tenants })).toEqual([])
  expect(
    claimsIn(row, { tenancy: 'schema-per-tenant', tenants }).map(({ tenant, by }) => [
      tenant.id,
      by,
    ]),
  ).toEqual([
    ['acme', 'current_user'],
    ['globex', 'search_path'],
  ])
  expect(
    claimsIn({ ...row, context_setting: 'globex' }, { tenancy: 'row-level-security', tenants }),
  ).toEqual([{ tenant: tenants[1], by: 'app.current_tenant_id' }])
})

test.each([[[]], [[{}]], [[{ pid: null }]], [[{ pid: 'none' }]], [[{ pid: '0' }]]])(
  'an answer %j names no backend, so it is no lane of a timeline',
  (rows) => {
    expect([backendIn(rows), backendIn([{ pid: '4711' }])]).toEqual([null, 4711])
  },
)
