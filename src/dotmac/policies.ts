/** Row-level security of the platform: the seed document's SQL as written, and its hardened form. */

import type { TablePrivilege } from '../model/catalog.ts'
import { identifier } from '../sql/identifier.ts'
import { isTenantAware, type TableModel } from './models/model.ts'
import { partitionNames } from './models/names.ts'
import type { RoleNames } from '../model/roles.ts'

export interface PolicyOptions {
  readonly schema: string
  readonly roles: RoleNames
}

/**
 * The context function and the access function of the seed document, so that they cannot be shadowed
 * and can be inlined: the bodies are parsed when they are created (no search_path at run time), they
 * are STABLE, SQL and run with the caller's rights. '' means no tenant, as NULL does, because
 * SET LOCAL, RESET and DISCARD ALL leave '' behind.
 */
export function hardenedFunctionsSql({ schema, roles }: PolicyOptions): string {
  const current = `${identifier(schema)}.current_tenant_id()`
  const access = `${identifier(schema)}.check_tenant_access(text)`
  return `
CREATE FUNCTION ${current} RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
  RETURN ${contextSql};
CREATE FUNCTION ${identifier(schema)}.check_tenant_access(tenant_id text) RETURNS boolean
  LANGUAGE sql STABLE PARALLEL SAFE
  RETURN tenant_id = ${current};
${[current, access]
  .map(
    (name) => `ALTER FUNCTION ${name} OWNER TO ${identifier(roles.owner)};
REVOKE ALL ON FUNCTION ${name} FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ${name} TO ${identifier(roles.app)}, ${identifier(roles.admin)};`,
  )
  .join('\n')}`
}

/**
 * The tenant predicate of a table.
 *
 * The sub-select is an init-plan: it is evaluated once per statement, so a context that changes in
 * the middle of a scan changes nothing, and the index on tenant_id serves it. On a partitioned table
 * it alone would defeat pruning at start-up, so the context is asked for a second time as
 * ANY (ARRAY[...]): the partitions are pruned by it, and because it is no plain equality the planner
 * cannot merge the two and drop the init-plan. ARCHITECTURE.md shows the plans.
 */
export function hardenedPredicate(table: Pick<TableModel, 'hashPartitions'>): string {
  const once = `tenant_id = (SELECT ${contextSql})`
  return table.hashPartitions === undefined
    ? once
    : `tenant_id = ANY (ARRAY[${contextSql}]) AND ${once}`
}

/** The body of current_tenant_id(), which the planner would have to fetch and parse for each policy of a statement. */
const contextSql = "nullif(pg_catalog.current_setting('app.current_tenant_id', true), '')"

/**
 * What a row that is inserted must satisfy. No init-plan: it would be evaluated when the first row is checked, after
 * that row's own expressions, so it protects nothing more here, and it costs every small write a tenth of its time.
 */
export const hardenedCheck = `tenant_id = ${contextSql}`

/** FORCE, four policies, the reporting role's own policy, least grants. */
export function hardenedTableSql(table: TableModel, options: PolicyOptions): string {
  const { schema, roles } = options
  const name = `${identifier(schema)}.${identifier(table.name)}`
  const grants = grantsSql(name, table.privileges, roles)
  if (!isTenantAware(table))
    return `ALTER TABLE ${name} OWNER TO ${identifier(roles.owner)};\n${grants}`
  const predicate = hardenedPredicate(table)
  const partitions = partitionNames(table).map(
    (each) => `${identifier(schema)}.${identifier(each)}`,
  )
  return [
    ...[name, ...partitions].map(
      (each) => `ALTER TABLE ${each} OWNER TO ${identifier(roles.owner)};
ALTER TABLE ${each} ENABLE ROW LEVEL SECURITY;
ALTER TABLE ${each} FORCE ROW LEVEL SECURITY;`,
    ),
    fourPoliciesSql(name, predicate, hardenedCheck),
    `CREATE POLICY tenant_reporting_select ON ${name} FOR SELECT TO ${identifier(roles.admin)} USING (true);`,
    grants,
  ].join('\n')
}

/**
 * The four policies under the seed's names. An UPDATE that reads anything must leave rows that the SELECT policy shows,
 * so its own check is that same expression: PostgreSQL keeps one of two that are equal, and plans it once.
 */
export function fourPoliciesSql(name: string, predicate: string, insertCheck: string): string {
  return `CREATE POLICY tenant_isolation_select ON ${name} FOR SELECT USING (${predicate});
CREATE POLICY tenant_isolation_insert ON ${name} FOR INSERT WITH CHECK (${insertCheck});
CREATE POLICY tenant_isolation_update ON ${name} FOR UPDATE USING (${predicate}) WITH CHECK (${predicate});
CREATE POLICY tenant_isolation_delete ON ${name} FOR DELETE USING (${predicate});`
}

/** The seed's two functions, word for word, in the given schema. */
export function seedFunctionsSql({ schema, roles }: PolicyOptions): string {
  return `SET LOCAL search_path = ${identifier(schema)};
CREATE OR REPLACE FUNCTION current_tenant_id() RETURNS TEXT AS $$
BEGIN
    RETURN current_setting('app.current_tenant_id', true);
EXCEPTION
    WHEN undefined_object THEN
        RETURN NULL;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER;

CREATE OR REPLACE FUNCTION check_tenant_access(tenant_id TEXT) RETURNS BOOLEAN AS $$
BEGIN
    -- Allow superuser bypass for admin operations
    IF current_setting('is_superuser', true)::boolean THEN
        RETURN TRUE;
    END IF;

    -- Check if current tenant matches row tenant
    RETURN current_tenant_id() IS NOT NULL AND current_tenant_id() = tenant_id;
END;
$$ LANGUAGE plpgsql SECURITY DEFINER;
ALTER FUNCTION current_tenant_id() OWNER TO ${identifier(roles.owner)};
ALTER FUNCTION check_tenant_access(text) OWNER TO ${identifier(roles.owner)};`
}

/** ENABLE and the seed's four policies; its audit table is created without row security, as written. */
export function seedTableSql(table: TableModel, options: PolicyOptions): string {
  const { schema, roles } = options
  const name = `${identifier(schema)}.${identifier(table.name)}`
  const owner = `ALTER TABLE ${name} OWNER TO ${identifier(roles.owner)};`
  const open = !isTenantAware(table) || table.name === 'audit_tenant_access'
  const policies = open
    ? []
    : [
        `SET LOCAL search_path = ${identifier(schema)};`,
        `ALTER TABLE ${name} ENABLE ROW LEVEL SECURITY;`,
        fourPoliciesSql(name, 'check_tenant_access(tenant_id)', 'check_tenant_access(tenant_id)'),
      ]
  return [owner, ...policies, grantsSql(name, table.privileges, roles)].join('\n')
}

function grantsSql(name: string, privileges: readonly TablePrivilege[], roles: RoleNames): string {
  return `REVOKE ALL ON ${name} FROM PUBLIC;
GRANT ${privileges.join(', ')} ON ${name} TO ${identifier(roles.app)};
GRANT SELECT ON ${name} TO ${identifier(roles.admin)};`
}
