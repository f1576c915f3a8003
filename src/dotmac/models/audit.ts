/** The seed's audit table stands in both databases; the application may add to it and read its own. */

import type { Service } from '../../model/tenancy.ts'
import { plainModel } from './define.ts'

/** audit_tenant_access with the seed's columns, append-only for the application. */
export function auditTenantAccess(service: Service) {
  return plainModel(service, 'audit_tenant_access', {
    mixin: 'audit',
    weight: 0.5,
    privileges: ['SELECT', 'INSERT'],
    columns: [
      { name: 'user_id', type: 'varchar(255)', fill: 'email' },
      {
        name: 'table_name',
        type: 'varchar(255)',
        fill: {
          oneOf: service === 'isp' ? ['isp_customers', 'isp_services'] : ['users', 'tasks_jobs'],
        },
      },
      {
        name: 'operation',
        type: 'varchar(50)',
        fill: { oneOf: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] },
      },
      { name: 'success', type: 'boolean', fill: 'flag' },
      {
        // The seed's TIMESTAMP would hold the local time of whatever time zone each session has.
        name: 'access_time',
        type: 'timestamptz',
        fill: 'past timestamp',
        default: 'now()',
        indexed: true,
      },
      { name: 'client_ip', type: 'inet', fill: 'inet', notNull: false },
      { name: 'user_agent', type: 'text', fill: 'sentence', notNull: false },
    ],
  })
}
