/** Views, roll-ups, functions and triggers of each database: their SQL, owners and grants. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Service } from '../model/tenancy.ts'
import { identifier } from '../sql/identifier.ts'
import { packageRoot } from '../registry.ts'
import { auditFunction } from './audit/triggers.ts'
import { tablesOf } from './models/index.ts'
import type { PolicyOptions } from './policies.ts'

interface ObjectNames {
  readonly view: string
  readonly rollup: string
  /** View through which the roll-up is read. */
  readonly rollupView: string
  readonly report: string
}

const names: Readonly<Record<Service, ObjectNames>> = {
  isp: {
    view: 'isp_customer_overview',
    rollup: 'isp_analytics_monthly',
    rollupView: 'isp_usage_by_month',
    report: 'isp_revenue_report(text, date, date)',
  },
  management: {
    view: 'tasks_overview',
    rollup: 'monitoring_summary',
    rollupView: 'monitoring_dashboard',
    report: 'management_alert_report(text)',
  },
}

/** The fixture's SQL, to be run with search_path set to the schema of the tables. */
export function objectsSql(service: Service): string {
  return readFileSync(join(packageRoot(), 'fixtures', service, 'objects.sql'), 'utf8')
}

export interface ObjectGrants extends PolicyOptions {
  /** Roles that may read the views and call the report. */
  readonly readers: readonly string[]
  /** Roles that may use the sequences. */
  readonly writers: readonly string[]
}

/** Owners and least grants; nobody but its owner reads the roll-up itself. */
export function objectGrantsSql(service: Service, options: ObjectGrants): string {
  const object = names[service]
  const at = (name: string) => `${identifier(options.schema)}.${name}`
  const readers = options.readers.map(identifier).join(', ')
  const owner = identifier(options.roles.owner)
  const sequences = sequencesOf(service).flatMap((name) => [
    `ALTER SEQUENCE ${at(name)} OWNER TO ${owner};`,
    `GRANT USAGE ON SEQUENCE ${at(name)} TO ${options.writers.map(identifier).join(', ')};`,
  ])
  return [
    ...[object.view, object.rollupView].flatMap((view) => [
      `ALTER VIEW ${at(view)} OWNER TO ${owner};`,
      `GRANT SELECT ON ${at(view)} TO ${readers};`,
    ]),
    `ALTER MATERIALIZED VIEW ${at(object.rollup)} OWNER TO ${owner};`,
    ...[auditFunction, 'touch_updated_at()', object.report].flatMap((name) => [
      `ALTER FUNCTION ${at(name)} OWNER TO ${owner};`,
      `REVOKE ALL ON FUNCTION ${at(name)} FROM PUBLIC;`,
    ]),
    `GRANT EXECUTE ON FUNCTION ${at(object.report)} TO ${readers};`,
    ...sequences,
  ].join('\n')
}

/**
 * A materialized view has no row security, so it is read through a barrier view that filters by the
 * context; it belongs to the reporting role, because REFRESH runs as the owner and the tables'
 * owner sees nothing under FORCE. The other view runs with the caller's rights where the server
 * can (15+); before, its owner is subject to the forced policies, which comes to the same.
 */
export function hardenObjectsSql(
  service: Service,
  options: PolicyOptions & { readonly serverVersionNum: number },
): string {
  const object = names[service]
  const at = (name: string) => `${identifier(options.schema)}.${name}`
  const invoker = options.serverVersionNum >= 150000 ? 'security_invoker = true, ' : ''
  return `
ALTER MATERIALIZED VIEW ${at(object.rollup)} OWNER TO ${identifier(options.roles.admin)};
GRANT SELECT ON ${at(object.rollup)} TO ${identifier(options.roles.owner)};
ALTER VIEW ${at(object.view)} SET (${invoker}security_barrier = true);
CREATE OR REPLACE VIEW ${at(object.rollupView)} WITH (security_barrier = true) AS
  SELECT * FROM ${at(object.rollup)} WHERE tenant_id = (SELECT ${at('current_tenant_id()')});
GRANT EXECUTE ON FUNCTION ${at('current_tenant_id()')} TO ${identifier(options.roles.owner)};`
}

/** To be run after loading: fills the roll-up as its owner sees the tables. */
export function refreshSql(service: Service, schema: string): string {
  return `REFRESH MATERIALIZED VIEW ${identifier(schema)}.${names[service].rollup};`
}

function sequencesOf(service: Service): readonly string[] {
  return tablesOf(service).flatMap((table) =>
    table.columns.flatMap((column) => column.default?.match(/^nextval\('(\w+)'\)$/)?.[1] ?? []),
  )
}
