/** What a run believes about ownership must be what the server holds, under both tenancies, hostile names included. */

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { tablesOf } from '../../dotmac/models/index.ts'
import { createRolesSql, standardRoles } from '../../dotmac/roles.ts'
import { services, tenancies, type Service, type TenancyName } from '../../model/tenancy.ts'
import { identifier, literal, qualified } from '../../sql/identifier.ts'
import { type EmbeddedServer, startEmbeddedServer } from '../../postgres/server/server.ts'
import { Session } from '../../postgres/session/session.ts'
import { tenancyOf } from '../tenancies/index.ts'
import { loadRows, loadWorld, type SeedCounts } from './load.ts'
import { plantedOwnership } from '../../world/planted-marks.ts'
import { planSeed, rowsPlanned, type SeedPlan } from './plan.ts'
import { canaryText } from './rows.ts'

/** More tenants than there are hostile names, so that all of them are served. */
const plan = planSeed({ seed: 5, tenants: 40, rows: 60 })

let server: EmbeddedServer

beforeAll(async () => {
  server = await startEmbeddedServer()
  await using admin = await open('postgres')
  await admin.query(createRolesSql(standardRoles, { app: 'a', admin: 'b' }))
}, 60_000)

afterAll(async () => {
  await server.stop()
})

function open(database: string): Promise<Session> {
  return Session.connect({
    address: server.address,
    database,
    pipeline: false,
    statementTimeoutMs: 60_000,
  })
}

/** An installed and still empty database. */
async function installed(service: Service, name: TenancyName, of: SeedPlan): Promise<Session> {
  const database = `${service}_${name}_${of.rows}_${of.plannedTenants.length}`
  await using admin = await open('postgres')
  await admin.query(`DROP DATABASE IF EXISTS ${identifier(database)}`)
  await admin.query(
    `CREATE DATABASE ${identifier(database)} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`,
  )
  const session = await open(database)
  const scripts = tenancyOf(name).install({
    service,
    variant: 'hardened',
    tenants: of.plannedTenants,
    roles: standardRoles,
    serverVersionNum: 180_000,
  })
  for (const script of scripts) await session.query(`BEGIN;\n${script}\nCOMMIT;`)
  return session
}

const foreignKeys = `SELECT n.nspname AS schema, c.relname AS name, pn.nspname AS parent_schema, p.relname AS parent,
    (SELECT string_agg(format('c.%I = p.%I', a.attname, b.attname), ' AND ')
     FROM unnest(k.conkey, k.confkey) AS u(child, parent)
     JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.child
     JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.parent) AS condition
  FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
  WHERE k.contype = 'f' AND k.conparentid = 0`

const worlds = services.flatMap((service) =>
  tenancies.map((tenancy) => ({ service, name: tenancy })),
)

describe.each(worlds)('$service under $name', ({ service, name }) => {
  const tables = tablesOf(service)
  const tenancy = tenancyOf(name)
  let session: Session
  let counts: SeedCounts

  beforeAll(async () => {
    session = await installed(service, name, plan)
    counts = await loadWorld(session, { plan, tables, tenancy })
  }, 60_000)

  afterAll(async () => {
    await session[Symbol.asyncDispose]()
  })

  test('holds for each tenant the rows that were planned, its canaries, and nothing of others', async () => {
    const ownership = plantedOwnership(plan.plannedTenants, {
      bySchema: false,
      columns: ['tenant_id'],
    })
    for (const table of tables.filter((each) => each.placement !== 'shared')) {
      for (const tenant of plan.plannedTenants) {
        const relation = qualified({ schema: tenancy.schemaOf(table, tenant), name: table.name })
        const found = await session.query(
          `SELECT * FROM ${relation} WHERE tenant_id = ${literal(tenant.id)}`,
        )
        const planned = rowsPlanned(plan, table, { size: tenant.size, tables })
        expect(found.length, `${table.name} of ${tenant.id}`).toBe(planned)
        expect(counts.byTenant.get(tenant.id)?.get(table.name)).toBe(found.length)
        expect(
          found.filter((row) => ownership.ownersIn(row, { tenantColumn: 'tenant_id' }).size !== 1),
        ).toEqual([])
        const canary = canaryText(tenant, table)
        expect(found.filter((row) => JSON.stringify(row).includes(canary)).length, canary).toBe(1)
      }
    }
  }, 60_000)

  test('holds as many rows as were counted, reference data once', async () => {
    let rows = 0
    for (const table of tables) {
      let stored = 0
      for (const schema of new Set(
        plan.plannedTenants.map((tenant) => tenancy.schemaOf(table, tenant)),
      )) {
        const [row] = await session.query(
          `SELECT count(*) AS rows FROM ${qualified({ schema, name: table.name })}`,
        )
        stored += Number(row?.['rows'])
      }
      expect(counts.byTable.get(table.name), table.name).toBe(stored)
      if (table.placement === 'shared') expect(stored).toBe(6)
      rows += stored
    }
    expect(counts.rows).toBe(rows)
  }, 60_000)

  test('keeps every foreign key that the load did not check', async () => {
    const keys = await session.query(foreignKeys)
    expect(keys.length).toBeGreaterThan(5)
    for (const key of keys) {
      const child = qualified({ schema: String(key['schema']), name: String(key['name']) })
      const parent = qualified({
        schema: String(key['parent_schema']),
        name: String(key['parent']),
      })
      const [row] = await session.query(`SELECT count(*) AS rows, count(*) FILTER (WHERE NOT EXISTS
        (SELECT FROM ${parent} p WHERE ${String(key['condition'])})) AS orphans FROM ${child} c`)
      expect(Number(row?.['rows']), child).toBeGreaterThan(0)
      expect(row?.['orphans'], `${child} to ${parent}`).toBe('0')
    }
  }, 60_000)
})

test('the canary of a customer can be deleted, one with invoices cannot', async () => {
  const small = planSeed({ seed: 1, tenants: 2, rows: 200 })
  await using session = await installed('isp', 'row-level-security', small)
  await loadRows(session, {
    plan: small,
    tables: tablesOf('isp'),
    tenancy: tenancyOf('row-level-security'),
  })
  const gone = await session.query(
    `DELETE FROM isp_customers WHERE name LIKE 'canary-%' RETURNING id`,
  )
  expect(gone.length).toBe(2)
  await expect(session.query('DELETE FROM isp_customers')).rejects.toMatchObject({ code: '23503' })
}, 30_000)

test('a load that fails names the relation, stores nothing and leaves the session usable', async () => {
  const small = planSeed({ seed: 1, tenants: 3, rows: 10 })
  await using session = await installed('management', 'row-level-security', small)
  await session.query('ALTER TABLE tasks_runs DROP COLUMN output')
  const loading = loadWorld(session, {
    plan: small,
    tables: tablesOf('management'),
    tenancy: tenancyOf('row-level-security'),
  })
  await expect(loading).rejects.toMatchObject({
    code: 'WATERTIGHT_SEED_FAILED',
    message: expect.stringContaining('"public"."tasks_runs"') as string,
    cause: { code: '42703' },
  })
  expect(
    await session.query(
      'SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM tenants) AS rows',
    ),
  ).toEqual([{ rows: '0' }])
}, 30_000)

test('rows that the server quietly drops are a failed load', async () => {
  const small = planSeed({ seed: 1, tenants: 2, rows: 30 })
  await using session = await installed('management', 'row-level-security', small)
  await session.query(`CREATE FUNCTION drop_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER drop_row BEFORE INSERT ON users FOR EACH ROW WHEN (new.role = 'viewer') EXECUTE FUNCTION drop_row();
    ALTER TABLE users ENABLE ALWAYS TRIGGER drop_row`)
  await expect(
    loadRows(session, {
      plan: small,
      tables: tablesOf('management'),
      tenancy: tenancyOf('row-level-security'),
    }),
  ).rejects.toThrow(/"public"\."users" failed: \d+ of \d+ rows were stored/)
}, 30_000)

test('loading twice gives the same rows to the byte', async () => {
  const small = planSeed({ seed: 9, tenants: 5, rows: 100 })
  const dumps: unknown[][] = [[], []]
  for (const dump of dumps) {
    await using session = await installed('isp', 'row-level-security', small)
    await loadRows(session, {
      plan: small,
      tables: tablesOf('isp'),
      tenancy: tenancyOf('row-level-security'),
    })
    for (const table of tablesOf('isp')) {
      dump.push(
        ...(await session.query(`SELECT count(*) AS rows,
        md5(string_agg(t::text, E'\\n' ORDER BY t::text)) AS bytes FROM ${identifier(table.name)} t`)),
      )
    }
  }
  expect(dumps[1]).toEqual(dumps[0])
}, 60_000)
