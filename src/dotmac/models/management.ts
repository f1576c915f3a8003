/** The management platform database of the seed document: tenants, users, monitoring, tasks, audit. */

import { auditTenantAccess } from './audit.ts'
import { managementModel, plainModel } from './define.ts'
import type { TableModel } from './model.ts'

const severity = {
  name: 'severity',
  type: 'varchar(50)',
  indexed: true,
  fill: { oneOf: ['info', 'warning', 'warning', 'critical'] },
} as const
const status = (...values: string[]) =>
  ({ name: 'status', type: 'varchar(50)', fill: { oneOf: values }, indexed: true }) as const

export const managementTables = [
  plainModel('management', 'reference_regions', {
    mixin: 'none',
    placement: 'shared',
    privileges: ['SELECT'],
    columns: [
      {
        name: 'code',
        type: 'varchar(50)',
        fill: { oneOf: ['eu-west', 'eu-north', 'us-east', 'us-west', 'af-south', 'ap-east'] },
      },
      { name: 'title', type: 'varchar(255)', fill: 'sentence' },
    ],
  }),
  managementModel('tenants', {
    placement: 'control',
    privileges: ['SELECT'],
    columns: [
      { name: 'name', type: 'varchar(255)', fill: 'company' },
      {
        name: 'status',
        type: 'varchar(50)',
        fill: { oneOf: ['active', 'active', 'trial', 'suspended'] },
      },
      { name: 'plan', type: 'varchar(50)', fill: { oneOf: ['starter', 'growth', 'enterprise'] } },
      { name: 'schema_name', type: 'varchar(63)', fill: 'tenant schema' },
      { name: 'role_name', type: 'varchar(63)', fill: 'tenant role' },
      { name: 'settings', type: 'jsonb', fill: 'json' },
    ],
  }),
  managementModel('users', {
    weight: 0.5,
    columns: [
      { name: 'email', type: 'varchar(255)', fill: 'email', indexed: true, unique: true },
      { name: 'full_name', type: 'varchar(255)', fill: 'person' },
      { name: 'password_hash', type: 'varchar(255)', fill: 'serial' },
      {
        name: 'role',
        type: 'varchar(50)',
        fill: { oneOf: ['viewer', 'operator', 'administrator'] },
      },
      { name: 'last_login_at', type: 'timestamptz', fill: 'past timestamp', notNull: false },
    ],
  }),
  managementModel('monitoring_alerts', {
    weight: 0.6,
    columns: [
      { name: 'title', type: 'varchar(255)', fill: 'sentence' },
      severity,
      status('open', 'acknowledged', 'resolved', 'resolved'),
      { name: 'source', type: 'varchar(255)', fill: 'hostname' },
    ],
  }),
  managementModel('monitoring_metrics', {
    weight: 2,
    columns: [
      {
        name: 'metric',
        type: 'varchar(255)',
        fill: { oneOf: ['cpu', 'memory', 'latency_ms', 'packet_loss'] },
        indexed: true,
      },
      { name: 'value', type: 'double precision', fill: 'percent' },
      { name: 'source', type: 'varchar(255)', fill: 'hostname' },
      { name: 'measured_at', type: 'timestamptz', fill: 'past timestamp', indexed: true },
    ],
  }),
  managementModel('monitoring_health_checks', {
    weight: 0.5,
    columns: [
      { name: 'target', type: 'varchar(255)', fill: 'hostname' },
      status('healthy', 'healthy', 'degraded', 'down'),
      { name: 'latency_ms', type: 'integer', fill: 'quantity' },
      { name: 'detail', type: 'text', fill: 'sentence', notNull: false },
    ],
  }),
  managementModel('tasks_jobs', {
    weight: 0.5,
    columns: [
      { name: 'name', type: 'varchar(255)', fill: 'serial', unique: true },
      {
        name: 'kind',
        type: 'varchar(50)',
        fill: { oneOf: ['billing run', 'provisioning', 'backup', 'report'] },
      },
      status('queued', 'running', 'done', 'done', 'failed'),
      { name: 'payload', type: 'jsonb', fill: 'json' },
    ],
  }),
  managementModel('tasks_runs', {
    weight: 1,
    references: [{ column: 'job_id', table: 'tasks_jobs' }],
    columns: [
      { name: 'started_at', type: 'timestamptz', fill: 'past timestamp', indexed: true },
      { name: 'finished_at', type: 'timestamptz', fill: 'past timestamp', notNull: false },
      status('done', 'done', 'failed'),
      { name: 'output', type: 'text', fill: 'sentence', notNull: false },
    ],
  }),
  managementModel('audit_events', {
    weight: 0.8,
    privileges: ['SELECT', 'INSERT'],
    columns: [
      { name: 'actor', type: 'varchar(255)', fill: 'email' },
      {
        name: 'action',
        type: 'varchar(255)',
        fill: { oneOf: ['login', 'logout', 'export', 'change plan', 'delete customer'] },
        indexed: true,
      },
      { name: 'detail', type: 'jsonb', fill: 'json' },
      { name: 'client_ip', type: 'inet', fill: 'inet', notNull: false },
    ],
  }),
  auditTenantAccess('management'),
] as const satisfies readonly TableModel[]
