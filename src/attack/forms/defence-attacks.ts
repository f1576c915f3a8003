/** Statements that would lower the defences: of roles, of tables, of the functions that policies call. */

import type { Relation } from '../../model/catalog.ts'
import type { Tenant } from '../../model/tenant.ts'
import { identifier, literal, qualified } from '../../sql/identifier.ts'
import type { Channel } from '../../model/channel.ts'
import { ownedTables } from '../../world/targets.ts'
import type { World } from '../../world/world.ts'

export interface DefenceAttack {
  /** Row of the matrix: a role, a table, a function, or `(session)`. */
  readonly object: string
  readonly path: string
  /** Object whose rows are read afterwards. Default: the first tables. */
  readonly table?: string
  /** True when success alone proves nothing: only the rows that follow do. */
  readonly harmless?: boolean
  /** Channel that no database closes by itself. */
  readonly channel?: Channel
  readonly statements: (attacker: Tenant, victim: Tenant) => readonly string[]
}

export function defenceAttacks(world: World): readonly DefenceAttack[] {
  return [
    ...sessionAttacks(world),
    ...roleAttacks(world),
    ...tableAttacks(world),
    ...functionAttacks(world),
  ]
}

/** The context is the tenant's to change; a database that wants more needs a login per tenant. */
function sessionAttacks(world: World): readonly DefenceAttack[] {
  const session = (
    path: string,
    sql: readonly string[],
    more: Partial<DefenceAttack> = {},
  ): DefenceAttack => ({
    object: '(session)',
    path,
    harmless: true,
    statements: () => sql,
    ...more,
  })
  return [
    {
      object: '(session)',
      path: 'context forgery',
      harmless: true,
      channel: 'forgery',
      statements: (_, victim) => world.context.enter(victim),
    },
    session('RESET ROLE', ['RESET ROLE']),
    session('RESET SESSION AUTHORIZATION', ['RESET SESSION AUTHORIZATION']),
    session('RESET ALL', ['RESET ALL']),
    session('row_security off', ['SET LOCAL row_security = off']),
    session('session_replication_role', ['SET LOCAL session_replication_role = replica'], {
      harmless: false,
    }),
    session('BYPASSRLS for itself', ['ALTER ROLE CURRENT_USER BYPASSRLS'], { harmless: false }),
    session('server files', ["SELECT pg_read_file('PG_VERSION')"], { harmless: false }),
    session('server program', ["COPY (SELECT 1) TO PROGRAM 'true'"], { harmless: false }),
    session('stored rows of others', ["SELECT pg_ls_dir('base')"], { harmless: false }),
    session('schema of its own', ['CREATE SCHEMA watertight_own'], { harmless: false }),
  ]
}

/** Whoever may become one of these reads or writes past every policy and grant. */
const dangerousRoles = [
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_execute_server_program',
] as const

function roleAttacks(world: World): readonly DefenceAttack[] {
  const own = new Set([world.application, ...world.tenants.map(({ role }) => role)])
  const roles = world.catalog.roles.map(({ name }) => name).filter((name) => !own.has(name))
  const [table] = ownedTables(world).filter(({ kind }) => kind === 'table')
  const alter = (tenant: Tenant) =>
    table === undefined ? [] : [`ALTER TABLE ${table.addressOf(tenant)} DISABLE ROW LEVEL SECURITY`]
  return [
    ...dangerousRoles.map((role): DefenceAttack => ({
      object: role,
      path: 'SET ROLE',
      statements: () => [`SET LOCAL ROLE ${role}`],
    })),
    ...roles.flatMap((role): DefenceAttack[] => [
      {
        object: role,
        path: 'SET ROLE',
        harmless: true,
        statements: () => [`SET LOCAL ROLE ${identifier(role)}`],
      },
      {
        object: role,
        path: 'SET ROLE, then ALTER TABLE',
        statements: (_, victim) => [`SET LOCAL ROLE ${identifier(role)}`, ...alter(victim)],
      },
      {
        object: role,
        path: 'SET SESSION AUTHORIZATION',
        statements: () => [`SET LOCAL SESSION AUTHORIZATION ${identifier(role)}`],
      },
      {
        object: role,
        path: 'GRANT to itself',
        statements: () => [`GRANT ${identifier(role)} TO CURRENT_USER`],
      },
    ]),
  ]
}

function tableAttacks(world: World): readonly DefenceAttack[] {
  const workshop = workshopOf(world)
  const objects = ownedTables(world).filter(
    ({ kind }) => kind === 'table' || kind === 'partitioned table',
  )
  return objects.flatMap(({ name, relationOf }) => {
    const hasKey = world.tenants.some((tenant) => (relationOf(tenant)?.primaryKey.length ?? 0) > 0)
    const on = (
      path: string,
      sql: (address: string, relation: Relation) => string,
    ): DefenceAttack => ({
      object: name,
      path,
      table: name,
      statements: (attacker, victim) => {
        const others = [victim, ...world.tenants].filter(({ id }) => id !== attacker.id)
        const relation =
          others.map((tenant) => relationOf(tenant)).find((each) => each !== null) ?? null
        return relation === null ? [] : [sql(qualified(relation), relation)]
      },
    })
    return [
      on(
        'DISABLE ROW LEVEL SECURITY',
        (address) => `ALTER TABLE ${address} DISABLE ROW LEVEL SECURITY`,
      ),
      on('NO FORCE', (address) => `ALTER TABLE ${address} NO FORCE ROW LEVEL SECURITY`),
      on('CREATE POLICY', (address) => `CREATE POLICY watertight_open ON ${address} USING (true)`),
      on('OWNER TO itself', (address) => `ALTER TABLE ${address} OWNER TO CURRENT_USER`),
      on(
        'CREATE TRIGGER',
        (address) => `CREATE TRIGGER watertight_spy AFTER INSERT ON ${address}
        FOR EACH ROW EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()`,
      ),
      on(
        'CREATE RULE',
        (address) => `CREATE RULE watertight_spy AS ON DELETE TO ${address} DO ALSO SELECT 1`,
      ),
      ...(hasKey
        ? [
            on(
              'REFERENCES',
              (address, relation) =>
                `CREATE TABLE ${identifier(workshop)}.watertight_spy (` +
                `${relation.primaryKey
                  .map((column) => `${identifier(column)} ${typeOf(relation, column)}`)
                  .join(', ')}, FOREIGN KEY ` +
                `(${relation.primaryKey.map(identifier).join(', ')}) REFERENCES ${address})`,
            ),
          ]
        : []),
      on(
        'CREATE STATISTICS',
        (address, relation) =>
          `CREATE STATISTICS watertight_spy ON ` +
          `${relation.columns
            .slice(0, 2)
            .map(({ name: column }) => identifier(column))
            .join(', ')} FROM ${address}`,
      ),
    ]
  })
}

/** A schema in which the application may create. */
function workshopOf(world: World): string {
  const open = world.catalog.schemas.find(
    ({ name, grants }) =>
      name !== 'public' &&
      grants.some(
        ({ role, privilege }) =>
          privilege === 'CREATE' && (role === 'public' || role === world.application),
      ),
  )
  return open?.name ?? 'public'
}

function typeOf(relation: Relation, column: string): string {
  return relation.columns.find(({ name }) => name === column)?.type ?? 'text'
}

/** Functions without arguments that return text or boolean are what policies ask; their owner may replace them. */
function functionAttacks(world: World): readonly DefenceAttack[] {
  const asked = world.catalog.functions.filter(
    ({ kind, argumentTypes, returnType }) =>
      kind === 'function' &&
      ['text', 'character varying', 'boolean', 'uuid'].includes(returnType) &&
      argumentTypes.length <= 1,
  )
  const names = [...new Map(asked.map((entry) => [entry.name, entry])).values()].slice(0, 6)
  return names.flatMap((entry): DefenceAttack[] => {
    const signature = `${identifier(entry.name)}(${entry.argumentTypes.join(', ')})`
    const body = (victim: Tenant) =>
      entry.returnType === 'boolean' ? 'true' : `${literal(victim.id)}::${entry.returnType}`
    const create = (schema: string, victim: Tenant) =>
      `CREATE OR REPLACE FUNCTION ${identifier(schema)}.${signature} ` +
      `RETURNS ${entry.returnType} LANGUAGE sql STABLE AS ${literal(`SELECT ${body(victim)}`)}`
    return [
      {
        object: `${entry.name}()`,
        path: 'replace function',
        statements: (_, victim) => [create(entry.schema, victim)],
      },
      {
        object: `${entry.name}()`,
        path: 'shadow function',
        harmless: true,
        statements: (_, victim) => [
          create('public', victim),
          'SET LOCAL search_path = public, pg_catalog',
        ],
      },
    ]
  })
}
