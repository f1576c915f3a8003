/** Where a request may name a tenant, and what happens when it names another than its token. */

import type { Context } from 'hono'
import { WatertightError } from '../../errors.ts'
import type { Caller } from '../access/tokens.ts'

const names = ['tenant', 'tenant_id', 'tenantId', 'tenant-id']
const headers = ['x-tenant', 'x-tenant-id', 'tenant-id', 'tenant']

/** The tenant in query, header or body that is not the token's, as text; null when there is none. */
export function otherTenant(
  context: Context,
  { tenantId }: Caller,
  body: Readonly<Record<string, unknown>>,
): string | null {
  const named = [
    ...names.flatMap((name) => context.req.queries(name) ?? []),
    ...headers.flatMap((name) => context.req.header(name) ?? []),
    ...names.flatMap((name) => (name in body ? [body[name]] : [])),
  ]
  const other = named.find((each) => each !== tenantId)
  return other === undefined ? null : typeof other === 'string' ? other : JSON.stringify(other)
}

export function tenantMismatch(): WatertightError {
  return new WatertightError(
    'WATERTIGHT_TENANT_MISMATCH',
    'The request names another tenant than its token',
    { hint: 'Leave the tenant out: the token says which one it is' },
  )
}
