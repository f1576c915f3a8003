/**
 * A database as the ground truth looks at it: relations, keys and functions by the system tables, and whose each row
 * is by the rows themselves. Nothing here is shared with the probes, so that their blind spots are not its own.
 */

import type { WorldId } from '../../../../model/tenancy.ts'
import type { TenantId } from '../../../../model/tenant.ts'
import { identifier, literal, qualified } from '../../../../sql/identifier.ts'
import { Session } from '../../../../postgres/session/session.ts'
import type { Site } from '../../../../reference/site/provision.ts'

export interface SubjectRelation {
  readonly schema: string
  readonly name: string
  readonly kind: string
  readonly isPartition: boolean
  /** Columns that take a value. */
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly primary: readonly string[]
  /** Columns of each unique index. */
  readonly unique: readonly (readonly string[])[]
  /** Roles that may do something with it, and those that may do what its owner may. */
  readonly actors: readonly string[]
  readonly owners: readonly string[]
  /** Whose its rows are: a column that holds ids of tenants and nothing else, one tenant by its schema, or nobody. */
  readonly owned: { readonly column: string } | { readonly tenant: TenantId } | null
}

export interface SubjectFunction {
  readonly schema: string
  readonly name: string
  readonly types: readonly string[]
  readonly actors: readonly string[]
}

export interface Subject extends AsyncDisposable {
  readonly site: Site
  readonly id: WorldId
  readonly admin: Session
  /** The application's own login, so that what its role starts with counts. */
  readonly app: Session
  connect(): Promise<Session>
  readonly relations: readonly SubjectRelation[]
  readonly functions: readonly SubjectFunction[]
  /** Roles that the application may become and that are no tenant's. */
  readonly others: readonly string[]
}

/** A statement that takes longer has no answer, and the edit stays undecided. */
const timeoutMs = 8_000

/** @throws WatertightError when the database cannot be reached. */
export async function openSubject(site: Site, id: WorldId, database: string): Promise<Subject> {
  const common = { address: site.address, database, statementTimeoutMs: timeoutMs }
  const connect = () =>
    Session.connect({
      ...common,
      login: { user: site.namespace.roles.app, password: site.passwords.app },
    })
  const admin = await Session.connect(common)
  try {
    const contexts = [site.namespace.roles.app, ...site.tenants.map(({ role }) => role)]
    // Without a database of the other tenancy there are no tenants' roles.
    const roles = id.tenancy === 'schema-per-tenant' ? contexts : contexts.slice(0, 1)
    const others = (
      await admin.query(`SELECT rolname FROM pg_roles WHERE NOT rolsuper AND rolname <> ALL (${array(contexts)})
        AND pg_has_role(${literal(site.namespace.roles.app)}, oid, 'MEMBER') ORDER BY 1`)
    ).map((row) => String(row['rolname']))
    const known = await readRelations(admin, [...roles, ...others])
    const owned = await ownersOf(admin, site, { id, relations: known })
    const app = await connect()
    return {
      site,
      id,
      admin,
      app,
      connect,
      others,
      relations: known.map((relation, index) => ({ ...relation, owned: owned[index] ?? null })),
      functions: await readFunctions(admin, [...roles, ...others]),
      [Symbol.asyncDispose]: async () => {
        await app[Symbol.asyncDispose]()
        await admin[Symbol.asyncDispose]()
      },
    }
  } catch (error) {
    await admin[Symbol.asyncDispose]()
    throw error
  }
}

export function array(values: readonly string[]): string {
  return `ARRAY[${values.map(literal).join(', ')}]::text[]`
}

type Unowned = Omit<SubjectRelation, 'owned'>

const ours = `n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'`

async function readRelations(
  admin: Session,
  roles: readonly string[],
): Promise<readonly Unowned[]> {
  const names = `SELECT coalesce(json_agg(a.attname ORDER BY k.n), '[]') FROM unnest(x.indkey::int2[])
    WITH ORDINALITY k(number, n) JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = k.number`
  const may = (right: string) =>
    `(SELECT coalesce(json_agg(r), '[]') FROM unnest(${array(roles)}) r WHERE ${right})`
  return await listed(
    admin,
    `SELECT n.nspname AS schema, c.relname AS name, c.relkind AS kind, c.relispartition AS "isPartition",
      (SELECT coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, NULL))
        ORDER BY a.attnum), '[]') FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND NOT a.attisdropped AND a.attgenerated = '' AND a.attidentity <> 'a') AS columns,
      coalesce((SELECT (${names}) FROM pg_index x WHERE x.indrelid = c.oid AND x.indisprimary), '[]') AS primary,
      (SELECT coalesce(json_agg((${names})), '[]') FROM pg_index x WHERE x.indrelid = c.oid AND x.indisunique)
        AS unique,
      ${may(`has_table_privilege(r, c.oid, 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE,TRIGGER')
        OR has_any_column_privilege(r, c.oid, 'SELECT,INSERT,UPDATE')`)} AS actors,
      ${may(`pg_has_role(r, c.relowner, 'USAGE')`)} AS owners
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE ${ours} AND c.relkind IN ('r', 'p', 'v', 'm') ORDER BY 1, 2`,
  )
}

async function readFunctions(
  admin: Session,
  roles: readonly string[],
): Promise<readonly SubjectFunction[]> {
  return await listed(
    admin,
    `SELECT n.nspname AS schema, p.proname AS name,
      (SELECT coalesce(json_agg(format_type(t, NULL) ORDER BY k), '[]')
        FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY u(t, k)) AS types,
      (SELECT coalesce(json_agg(r), '[]') FROM unnest(${array(roles)}) r
        WHERE has_function_privilege(r, p.oid, 'EXECUTE')) AS actors
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${ours} AND p.prokind = 'f'
      AND p.prorettype <> 'trigger'::regtype
      AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.objid = p.oid AND e.deptype = 'e') ORDER BY 1, 2`,
  )
}

async function listed<T>(admin: Session, sql: string): Promise<readonly T[]> {
  const [row] = await admin.query(
    `SELECT coalesce(json_agg(q), '[]')::text AS list FROM (${sql}) q`,
  )
  return JSON.parse(String(row?.['list'])) as readonly T[]
}

/** A column owns where every value in it is a tenant's id; where none does, the schema may be a tenant's. */
async function ownersOf(
  admin: Session,
  site: Site,
  { id, relations }: { readonly id: WorldId; readonly relations: readonly Unowned[] },
): Promise<readonly SubjectRelation['owned'][]> {
  const ids = array(site.tenants.map((tenant) => tenant.id))
  const bySchema = new Map(site.tenants.map((tenant) => [tenant.schema, tenant.id]))
  return await Promise.all(
    relations.map(async ({ schema, name, kind, columns }) => {
      const tenant = id.tenancy === 'schema-per-tenant' ? bySchema.get(schema) : undefined
      if (tenant !== undefined) return { tenant }
      const texts = columns.filter(({ type }) => /^(character varying|text)/.test(type))
      if (kind === 'v' || texts.length === 0) return null
      const tests = texts.map(
        (column, index) =>
          `bool_and(${identifier(column.name)} = ANY (${ids})) IS TRUE AS c${index}`,
      )
      const [row] = await admin.query(
        `SELECT ${tests.join(', ')} FROM ${qualified({ schema, name })}`,
      )
      const found = texts.find((_, index) => row?.[`c${index}`] === 't')
      return found === undefined ? null : { column: found.name }
    }),
  )
}
