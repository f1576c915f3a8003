/** Tenants share tables; a transaction-scoped setting says who is asking, policies decide. */

import { auditTriggersSql } from '../../dotmac/audit/triggers.ts'
import { createKeysSql, createTablesSql, updatedAtSql } from '../../dotmac/models/ddl.ts'
import { tablesOf } from '../../dotmac/models/index.ts'
import { hardenObjectsSql, objectGrantsSql, objectsSql, refreshSql } from '../../dotmac/objects.ts'
import {
  hardenedFunctionsSql,
  hardenedTableSql,
  seedFunctionsSql,
  seedTableSql,
  type PolicyOptions,
} from '../../dotmac/policies.ts'
import { bindSetting, sessionScoped, transactionScoped } from '../../dotmac/tenant-session.ts'
import { identifier } from '../../sql/identifier.ts'
import type { InstallPlan, Tenancy } from './tenancy.ts'

const schema = 'public'

export const rowLevelSecurity: Tenancy = {
  name: 'row-level-security',
  title: 'Row-level security',
  install: (plan) => [
    tablesSql(plan),
    plan.variant === 'hardened' ? hardenedSql(plan) : asWrittenSql(plan),
  ],
  afterLoad: (plan) => [refreshSql(plan.service, schema)],
  schemaOf: () => schema,
  context: {
    scope: 'transaction',
    enter: [{ kind: 'setting', name: 'app.current_tenant_id', value: '{tenant.id}' }],
  },
  separatedBy: 'rows',
  strategies: [
    { strategy: transactionScoped(bindSetting), behindPooler: true },
    { strategy: sessionScoped(bindSetting), behindPooler: false },
  ],
}

function tablesSql({ service, variant }: InstallPlan): string {
  const tables = tablesOf(service)
  const options = {
    schemaOf: () => schema,
    keys: variant === 'hardened' ? 'tenant' : 'id',
  } as const
  return [
    createTablesSql(tables, options),
    createKeysSql(tables, options),
    updatedAtSql(tables, options),
    `SET LOCAL search_path = ${schema}, pg_catalog;`,
    objectsSql(service),
    auditTriggersSql(schema),
  ].join('\n')
}

function hardenedSql({ service, roles, serverVersionNum }: InstallPlan): string {
  const options: PolicyOptions = { schema, roles }
  return [
    `REVOKE ALL ON SCHEMA ${schema} FROM PUBLIC;`,
    `GRANT USAGE ON SCHEMA ${schema} TO ${[roles.owner, roles.app, roles.admin].map(identifier).join(', ')};`,
    hardenedFunctionsSql(options),
    ...tablesOf(service).map((table) => hardenedTableSql(table, options)),
    objectGrantsSql(service, {
      ...options,
      readers: [roles.app, roles.admin],
      writers: [roles.app],
    }),
    hardenObjectsSql(service, { ...options, serverVersionNum }),
  ].join('\n')
}

function asWrittenSql({ service, roles }: InstallPlan): string {
  const options: PolicyOptions = { schema, roles }
  return [
    seedFunctionsSql(options),
    ...tablesOf(service).map((table) => seedTableSql(table, options)),
    objectGrantsSql(service, {
      ...options,
      readers: [roles.app, roles.admin],
      writers: [roles.app],
    }),
  ].join('\n')
}
