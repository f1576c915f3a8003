/** The ISP framework database of the seed document: day-to-day operations of each tenant. */

import { auditTenantAccess } from './audit.ts'
import { ispModel, plainModel } from './define.ts'
import type { TableModel } from './model.ts'

const status = (...values: string[]) =>
  ({ name: 'status', type: 'varchar(50)', fill: { oneOf: values }, indexed: true }) as const
const notes = { name: 'notes', type: 'text', fill: 'sentence', notNull: false } as const

export const ispTables = [
  plainModel('isp', 'isp_reference_plans', {
    mixin: 'none',
    placement: 'shared',
    privileges: ['SELECT'],
    columns: [
      {
        name: 'code',
        type: 'varchar(50)',
        fill: {
          oneOf: ['fiber-100', 'fiber-500', 'fiber-1000', 'lte-50', 'voip-basic', 'tv-plus'],
        },
      },
      { name: 'title', type: 'varchar(255)', fill: 'sentence' },
      { name: 'monthly_fee', type: 'numeric(10,2)', fill: 'money' },
    ],
  }),
  ispModel('isp_tenants', {
    placement: 'control',
    privileges: ['SELECT'],
    columns: [
      { name: 'name', type: 'varchar(255)', fill: 'company' },
      { name: 'status', type: 'varchar(50)', fill: { oneOf: ['active', 'active', 'trial'] } },
    ],
  }),
  ispModel('isp_customers', {
    weight: 1,
    columns: [
      { name: 'name', type: 'varchar(255)', fill: 'person' },
      { name: 'email', type: 'varchar(255)', fill: 'email', indexed: true, unique: true },
      { name: 'phone', type: 'varchar(50)', fill: 'phone' },
      { name: 'street', type: 'varchar(255)', fill: 'street' },
      { name: 'city', type: 'varchar(255)', fill: 'city' },
      { name: 'postcode', type: 'varchar(20)', fill: 'postcode' },
      { name: 'country', type: 'char(2)', fill: 'country' },
      status('active', 'active', 'active', 'suspended', 'closed'),
      notes,
    ],
  }),
  ispModel('isp_services', {
    weight: 1.2,
    references: [{ column: 'customer_id', table: 'isp_customers' }],
    columns: [
      {
        name: 'plan_code',
        type: 'varchar(50)',
        fill: {
          oneOf: ['fiber-100', 'fiber-500', 'fiber-1000', 'lte-50', 'voip-basic', 'tv-plus'],
        },
      },
      status('provisioned', 'provisioned', 'pending', 'terminated'),
      { name: 'monthly_fee', type: 'numeric(10,2)', fill: 'money' },
      { name: 'activated_on', type: 'date', fill: 'date', notNull: false },
      notes,
    ],
  }),
  ispModel('isp_billing_invoices', {
    weight: 1.5,
    references: [{ column: 'customer_id', table: 'isp_customers' }],
    columns: [
      { name: 'number', type: 'varchar(64)', fill: 'serial', unique: true },
      {
        name: 'ledger_no',
        type: 'bigint',
        fill: 'number',
        default: "nextval('isp_billing_ledger_seq')",
      },
      status('open', 'paid', 'paid', 'paid', 'overdue'),
      { name: 'issued_on', type: 'date', fill: 'date' },
      { name: 'total', type: 'numeric(12,2)', fill: 'money' },
      notes,
    ],
  }),
  ispModel('isp_billing_invoice_lines', {
    weight: 2.5,
    references: [{ column: 'invoice_id', table: 'isp_billing_invoices' }],
    columns: [
      { name: 'description', type: 'varchar(255)', fill: 'sentence' },
      { name: 'quantity', type: 'integer', fill: 'quantity' },
      { name: 'unit_price', type: 'numeric(12,2)', fill: 'money' },
    ],
  }),
  ispModel('isp_billing_payments', {
    weight: 1,
    references: [{ column: 'invoice_id', table: 'isp_billing_invoices' }],
    columns: [
      { name: 'reference', type: 'varchar(64)', fill: 'serial', unique: true },
      {
        name: 'method',
        type: 'varchar(50)',
        fill: { oneOf: ['card', 'transfer', 'direct debit', 'cash'] },
      },
      { name: 'amount', type: 'numeric(12,2)', fill: 'money' },
      { name: 'paid_at', type: 'timestamptz', fill: 'past timestamp' },
    ],
  }),
  ispModel('isp_network_devices', {
    weight: 0.3,
    columns: [
      { name: 'hostname', type: 'varchar(255)', fill: 'hostname', indexed: true },
      { name: 'serial', type: 'varchar(64)', fill: 'serial', unique: true },
      {
        name: 'kind',
        type: 'varchar(50)',
        fill: { oneOf: ['router', 'switch', 'olt', 'ont', 'antenna'] },
      },
      { name: 'management_ip', type: 'inet', fill: 'inet' },
      status('up', 'up', 'up', 'down', 'maintenance'),
    ],
  }),
  ispModel('isp_network_ports', {
    weight: 0.8,
    references: [{ column: 'device_id', table: 'isp_network_devices' }],
    columns: [
      { name: 'label', type: 'varchar(64)', fill: 'serial' },
      { name: 'mac', type: 'macaddr', fill: 'mac' },
      status('up', 'up', 'down'),
    ],
  }),
  ispModel('isp_network_links', {
    weight: 0.3,
    references: [
      { column: 'from_port_id', table: 'isp_network_ports' },
      { column: 'to_port_id', table: 'isp_network_ports' },
    ],
    columns: [
      { name: 'bandwidth_mbit', type: 'integer', fill: 'quantity' },
      status('up', 'up', 'down'),
      notes,
    ],
  }),
  ispModel('isp_analytics_usage', {
    weight: 3,
    hashPartitions: 4,
    references: [{ column: 'service_id', table: 'isp_services' }],
    columns: [
      { name: 'measured_at', type: 'timestamptz', fill: 'past timestamp', indexed: true },
      { name: 'bytes_down', type: 'bigint', fill: 'bytes' },
      { name: 'bytes_up', type: 'bigint', fill: 'bytes' },
      { name: 'source', type: 'varchar(255)', fill: 'hostname' },
    ],
  }),
  ispModel('isp_analytics_daily', {
    weight: 0.8,
    references: [{ column: 'service_id', table: 'isp_services' }],
    columns: [
      { name: 'day', type: 'date', fill: 'date', indexed: true },
      { name: 'bytes_total', type: 'bigint', fill: 'bytes' },
      { name: 'remark', type: 'text', fill: 'sentence', notNull: false },
    ],
  }),
  auditTenantAccess('isp'),
] as const satisfies readonly TableModel[]
