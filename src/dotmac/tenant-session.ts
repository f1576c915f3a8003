/** The platform's ways of binding a tenant to a pooled connection; both leave nothing behind. */

import { asError } from '../errors.ts'
import type { ContextStrategy, StrategyClient, StrategyTenant } from '../model/context-strategy.ts'
import { identifier, literal } from '../sql/identifier.ts'
import { sharedSchema } from './schema-manager.ts'
import { inTenantTransaction } from './tenant-transaction.ts'

/** SQL that puts the session into the tenant's context, until the transaction ends or for the session. */
export type Bind = (
  tenant: Omit<StrategyTenant, 'toString'>,
  scope: 'transaction' | 'session',
) => string

/**
 * Row-level security: the setting that the policies read. SET takes no snapshot, so that the work may still choose its
 * isolation level (https://www.postgresql.org/docs/current/sql-set-transaction.html).
 */
export const bindSetting: Bind = ({ id }, scope) =>
  `SET ${scope === 'transaction' ? 'LOCAL' : 'SESSION'} app.current_tenant_id = ${literal(id)}`

/** Schema-per-tenant: role and path of the tenant, and the setting for the audit trail. */
export const bindSchema: Bind = (tenant, scope) => {
  const set = scope === 'transaction' ? 'SET LOCAL' : 'SET SESSION'
  return (
    `${set} ROLE ${identifier(tenant.role)}; ` +
    `${set} search_path = ${identifier(tenant.schema)}, ${sharedSchema}, pg_temp; ${bindSetting(tenant, scope)}`
  )
}

/**
 * One transaction per piece of work: the context ends with it, whatever happens in between, also
 * behind a pooler in transaction mode. The recommended strategy, and what withTenant does; withTenant also
 * complains when the work ends the transaction or swallows its errors.
 */
export function transactionScoped(bind: Bind): ContextStrategy {
  return {
    title: 'transaction-scoped context',
    withTenant: (pool, tenant, work) =>
      inTenantTransaction(pool, {
        tenantId: tenant.id,
        enter: bind(tenant, 'transaction'),
        work,
        complains: false,
      }),
  }
}

/**
 * A session setting, reset before the connection goes back: for work that cannot be one transaction.
 * A connection whose reset fails is thrown away. Not safe behind a pooler in transaction mode.
 */
export function sessionScoped(bind: Bind): ContextStrategy {
  return {
    title: 'session-scoped context, reset on release',
    clears: 'session',
    async withTenant(pool, tenant, work) {
      const client = await pool.connect()
      let broken: Error | undefined
      try {
        await client.query(bind(tenant, 'session'))
        return await work(client)
      } finally {
        await reset(client).catch((failure: unknown) => {
          broken = asError(failure)
        })
        client.release(broken)
      }
    },
  }
}

/** DISCARD ALL also clears the role, which RESET ALL leaves; it cannot run inside a transaction. */
async function reset(client: StrategyClient): Promise<void> {
  await client.query('ROLLBACK')
  await client.query('DISCARD ALL')
}
