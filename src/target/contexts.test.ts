import { expect, test } from 'vitest'
import type { Tenant } from '../model/tenant.ts'
import { compileContext } from './contexts.ts'

const [acme, globex] = ['acme', 'globex'].map(
  (id) => ({ id, schema: `tenant_${id}`, role: `role_${id}` }) as Tenant,
) as [Tenant, Tenant]
const tenants = [acme, globex]
const setting = { kind: 'setting', name: 'app.tenant', value: '{tenant.id}' } as const
const rows = compileContext({ scope: 'transaction', enter: [setting] })
const places = compileContext({
  scope: 'transaction',
  enter: [
    { kind: 'role', role: '{tenant.role}' },
    { kind: 'search_path', path: ['{tenant.schema}', 'shared'] },
    setting,
  ],
})

test('the server names a tenant by what the plan binds, and by nothing that is the same for all', () => {
  const row = { context_role: 'role_acme', context_path: 'tenant_globex shared' }
  expect(rows.claims({ ...row, context_setting_0: '' }, tenants)).toEqual([])
  expect(places.claims({ ...row, context_setting_2: '' }, tenants)).toEqual([
    { tenant: acme, by: 'current_user' },
    { tenant: globex, by: 'search_path' },
  ])
  expect(rows.claims({ ...row, context_setting_0: 'globex' }, tenants)).toEqual([
    { tenant: globex, by: 'app.tenant' },
  ])
})

test('hostile values are quoted, each in the way of its statement', () => {
  const tenant = { id: "o'neill", schema: 'a"b', role: 'r"; DROP' } as Tenant
  expect(places.enter(tenant)).toEqual([
    'SET LOCAL ROLE "r""; DROP"',
    'SET LOCAL search_path = "a""b", "shared"',
    `SET LOCAL app.tenant = 'o''neill'`,
  ])
})

test('near misses of a tenant never are another tenant', () => {
  const upper = { id: 'ACME', schema: 's', role: 'r' } as Tenant
  const sqls = rows.missing(acme, [...tenants, upper]).flatMap(({ prelude }) => prelude)
  expect(sqls.filter((sql) => sql.includes("'ACME'"))).toEqual([])
  expect(sqls.filter((sql) => sql.includes("'acme%'"))).toHaveLength(1)
})
