/** The platform's ways of binding a tenant to a pooled connection; both leave nothing behind. */

import type { ContextStrategy, StrategyClient, StrategyTenant } from '../model/context-strategy.ts'
import { identifier } from '../postgres/identifier.ts'
import { sharedSchema } from './schema-manager.ts'

/** Puts the session into the tenant's context, until the transaction ends or for the session. */
export type Bind = (client: StrategyClient, tenant: StrategyTenant, scope: 'transaction' | 'session') => Promise<void>

/** Row-level security: the setting that the policies read. */
export const bindSetting: Bind = async (client, tenant, scope) => {
  await client.query(`SELECT set_config('app.current_tenant_id', $1, ${scope === 'transaction'})`, [tenant.id])
}

/** Schema-per-tenant: role and path of the tenant, and the setting for the audit trail. */
export const bindSchema: Bind = async (client, tenant, scope) => {
  const set = scope === 'transaction' ? 'SET LOCAL' : 'SET SESSION'
  await client.query(`${set} ROLE ${identifier(tenant.role)}`)
  await client.query(`${set} search_path = ${identifier(tenant.schema)}, ${sharedSchema}, pg_temp`)
  await bindSetting(client, tenant, scope)
}

/**
 * One transaction per piece of work: the context ends with it, whatever happens in between, also
 * behind a pooler in transaction mode. The recommended strategy.
 */
export function transactionScoped(bind: Bind): ContextStrategy {
  return {
    title: 'transaction-scoped context',
    async withTenant(pool, tenant, work) {
      const client = await pool.connect()
      let broken: Error | undefined
      try {
        await client.query('BEGIN')
        await bind(client, tenant, 'transaction')
        const value = await work(client)
        await client.query('COMMIT')
        return value
      } catch (error) {
        await client.query('ROLLBACK').catch((failure: unknown) => { broken = asError(failure) })
        throw error
      } finally {
        client.release(broken)
      }
    },
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
        await bind(client, tenant, 'session')
        return await work(client)
      } finally {
        await reset(client).catch((failure: unknown) => { broken = asError(failure) })
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

function asError(failure: unknown): Error {
  return failure instanceof Error ? failure : new Error(String(failure))
}
