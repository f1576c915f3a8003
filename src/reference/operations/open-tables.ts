/** Ways in which a migration leaves a table open: each must be refused, or be closed by the guards. */

import type { GuardScope } from '../../dotmac/guards/guarded-table.ts'
import { sharedSchema } from '../../dotmac/schema-manager.ts'
import type { Tenant } from '../../model/tenant.ts'
import { identifier } from '../../sql/identifier.ts'
import type { World } from '../../world/world.ts'

export interface OpenTable {
  readonly title: string
  /** Script of the migration, guard lines included. */
  readonly script: string
  /** Table that holds rows of both tenants afterwards, and that the attacker reads. */
  readonly table: string
  /** What the application tries before it reads. */
  readonly before?: string
  /** An earlier migration, which left the table closed. */
  readonly earlier?: string
}

export interface Migrating {
  readonly world: World
  readonly attacker: Tenant
  readonly victim: Tenant
}

const columns =
  '(id uuid NOT NULL DEFAULT gen_random_uuid(), tenant_id varchar(255) NOT NULL, note text, ' +
  'PRIMARY KEY (tenant_id, id))'
const guards = (table: string) =>
  ['ensureTenantColumn', 'ensureTenantIndexes', 'validateTenantIsolation']
    .map((guard) => `-- guard: ${guard}(${table})\n`)
    .join('')

/** Where the migration runs, as `migrate` would run it. */
export function placeOf({ world, victim }: Migrating): {
  readonly schemas: readonly string[]
  readonly scope: Omit<GuardScope, 'schema'>
} {
  const { roles } = world.options
  return world.id.tenancy === 'row-level-security'
    ? { schemas: ['public'], scope: { roles } }
    : {
        schemas: [victim.schema],
        scope: { roles, onlyTenant: { id: victim.id, role: victim.role } },
      }
}

/** The table as it should be made: the guards take it, and whoever owns rows in it sees them. */
export function closedTable(migrating: Migrating): OpenTable {
  const { schema, grant } = madeIn(migrating)
  const table = `${schema}.watertight_made`
  const script = `CREATE TABLE ${table} ${columns};\n${grant(table)}${guards('watertight_made')}`
  return { title: 'closed', table, script }
}

export function openTables(migrating: Migrating): readonly OpenTable[] {
  return migrating.world.id.tenancy === 'row-level-security'
    ? openShared(migrating)
    : openOwn(migrating)
}

function openShared(migrating: Migrating): readonly OpenTable[] {
  const { grant } = madeIn(migrating)
  const app = identifier(migrating.world.application)
  const table = 'public.watertight_made'
  const base = `CREATE TABLE ${table} ${columns};\n${grant(table)}`
  const all = guards('watertight_made')
  const parted = `CREATE TABLE ${table} ${columns} PARTITION BY HASH (tenant_id);
CREATE TABLE public.watertight_part PARTITION OF ${table} FOR VALUES WITH (MODULUS 1, REMAINDER 0);\n`
  return [
    { title: 'no guards', table, script: base },
    {
      title: 'guards of another table',
      table,
      script: `${base}CREATE TABLE public.watertight_other ${columns};\n${guards('watertight_other')}`,
    },
    {
      title: 'a policy shows every row',
      table,
      script: `${base}CREATE POLICY watertight_all ON ${table} FOR SELECT USING (true);\n${all}`,
    },
    {
      title: 'a policy of the usual name compares a column with itself',
      table,
      script: `${base}CREATE POLICY tenant_isolation_select ON ${table} FOR SELECT
USING (tenant_id = tenant_id);\n${all}`,
    },
    {
      title: 'a partition is granted',
      table: 'public.watertight_part',
      script: `${parted}${grant('public.watertight_part')}${all}`,
    },
    {
      title: 'a table of another schema',
      table: 'watertight_else.watertight_made',
      script: `CREATE SCHEMA watertight_else; GRANT USAGE ON SCHEMA watertight_else TO ${app};
CREATE TABLE watertight_else.watertight_made ${columns};\n${grant('watertight_else.watertight_made')}`,
    },
    {
      title: 'a child that inherits',
      table: 'public.watertight_child',
      script: `${base}CREATE TABLE public.watertight_child () INHERITS (${table});
${grant('public.watertight_child')}${all}`,
    },
    {
      title: 'the application owns it',
      table,
      before: `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY`,
      script: `${base}ALTER TABLE ${table} OWNER TO ${app};\n${all}`,
    },
    { title: 'the script ends its transaction', table, script: `${base}COMMIT;\n` },
    ...openedLater(migrating, { table, base }),
  ]
}

/** A table that a first migration closes and a later one opens. */
function openedLater(
  migrating: Migrating,
  { table, base }: { readonly table: string; readonly base: string },
): readonly OpenTable[] {
  const app = identifier(migrating.world.application)
  const all = guards('watertight_made')
  return [
    {
      title: 'a later migration shows every row',
      table,
      earlier: `${base}${all}`,
      script: `ALTER POLICY tenant_isolation_select ON ${table} USING (true);\n`,
    },
    {
      title: 'a later migration switches row security off',
      table,
      earlier: `${base}${all}`,
      script: `ALTER TABLE ${table} DISABLE ROW LEVEL SECURITY;\n`,
    },
    {
      title: 'a later view reads with rights that no policy binds',
      table: 'public.watertight_view',
      earlier: `${base}${all}`,
      script: `CREATE VIEW public.watertight_view AS SELECT * FROM ${table};
GRANT SELECT, INSERT ON public.watertight_view TO ${app};\n`,
    },
  ]
}

function openOwn(migrating: Migrating): readonly OpenTable[] {
  const { schema, grant } = madeIn(migrating)
  const table = `${schema}.watertight_made`
  const attacker = identifier(migrating.attacker.role)
  const base = `CREATE TABLE ${table} ${columns};\n${grant(table)}`
  const opened = `GRANT USAGE ON SCHEMA ${schema} TO ${attacker}; GRANT SELECT ON ${table} TO ${attacker};\n`
  const shared = `${sharedSchema}.watertight_made`
  return [
    { title: 'no guards, and another tenant is granted', table, script: `${base}${opened}` },
    {
      title: 'another tenant is granted',
      table,
      script: `${base}${opened}${guards('watertight_made')}`,
    },
    {
      title: 'rows of all tenants in the shared schema',
      table: shared,
      script: `CREATE TABLE ${shared} ${columns};\nGRANT SELECT ON ${shared} TO ${attacker};\n`,
    },
    { title: 'the script ends its transaction', table, script: `${base}${opened}COMMIT;\n` },
    {
      title: 'a later migration grants another tenant',
      table,
      earlier: `${base}${guards('watertight_made')}`,
      script: opened,
    },
  ]
}

function madeIn({ world, victim }: Migrating) {
  const isShared = world.id.tenancy === 'row-level-security'
  const role = identifier(isShared ? world.application : victim.role)
  return {
    schema: isShared ? 'public' : identifier(victim.schema),
    grant: (table: string) => `GRANT SELECT, INSERT ON ${table} TO ${role};\n`,
  }
}
