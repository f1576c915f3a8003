import { expect, test } from 'vitest'
import { MigrationsOnTrial } from '../../testing/migrations-on-trial.ts'
import type { Session } from '../../postgres/session/session.ts'
import { standardRoles } from '../roles.ts'
import { tenantNames } from '../tenant-names.ts'
import { platformPlace, tenantPlace } from './places.ts'
import { runGuarded } from './run-guards.ts'

const everyTable = 'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO'

/** Ways around the policies, and what is said of them. */
const aroundPolicies: readonly (readonly [string, RegExp])[] = [
  ['GRANT dotmac_owner TO dotmac_app', /dotmac_app may become dotmac_owner/],
  [
    'CREATE ROLE mid; GRANT dotmac_admin TO mid; GRANT mid TO dotmac_app',
    /dotmac_app may become dotmac_admin/,
  ],
  ['GRANT pg_read_all_data TO dotmac_app', /dotmac_app may become pg_read_all_data/],
  ['CREATE ROLE free BYPASSRLS; GRANT free TO dotmac_app', /dotmac_app may become free/],
  ['ALTER ROLE dotmac_app BYPASSRLS', /dotmac_app is BYPASSRLS/],
  ['ALTER ROLE dotmac_app SUPERUSER CREATEROLE', /dotmac_app is SUPERUSER, CREATEROLE/],
  [
    'ALTER ROLE dotmac_app SET app.current_tenant_id = acme',
    /every connection of dotmac_app begins with app.*=acme/,
  ],
  [
    'ALTER DATABASE dotmac_isp SET app.current_tenant_id = acme',
    /every connection of the database begins with/,
  ],
  ['GRANT CREATE ON SCHEMA public TO dotmac_app', /dotmac_app has CREATE on the schema public/],
  [`${everyTable} PUBLIC`, /PUBLIC will have SELECT on every table made later/],
]

/** Ways from one tenant's schema into another's. */
const betweenSchemas: readonly (readonly [string, RegExp])[] = [
  [
    'GRANT tenant_globex_role TO tenant_acme_role',
    /tenant_acme_role may become tenant_globex_role/,
  ],
  [
    'GRANT USAGE ON SCHEMA tenant_acme TO tenant_globex_role',
    /tenant_globex_role has USAGE on the schema tenant_acme/,
  ],
  ['GRANT USAGE ON SCHEMA tenant_acme TO PUBLIC', /PUBLIC has USAGE on the schema tenant_acme/],
  [
    'GRANT CREATE ON SCHEMA tenant_acme TO tenant_acme_role',
    /tenant_acme_role has CREATE on the schema/,
  ],
  [
    'ALTER SCHEMA tenant_acme OWNER TO tenant_acme_role',
    /tenant_acme_role owns the schema tenant_acme/,
  ],
  ['ALTER ROLE tenant_acme_role BYPASSRLS', /tenant_acme_role is BYPASSRLS/],
  [`${everyTable} tenant_acme_role`, /tenant_acme_role will have SELECT on every table made later/],
]

test('a migration that lets the application around the policies fails and says how', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: 'row-level-security' })
  const place = platformPlace('row-level-security', { service: 'isp', roles: standardRoles })
  for (const [sql, sentence] of aroundPolicies)
    expect([sql, await refusal(trial.isp, { ...place, script: sql })]).toEqual([
      sql,
      expect.stringMatching(sentence),
    ])
  for (const sql of [
    'CREATE ROLE readers; GRANT readers TO dotmac_app',
    'ALTER ROLE dotmac_app SET statement_timeout = 1000',
    'CREATE ROLE free BYPASSRLS',
    'GRANT USAGE ON SCHEMA public TO PUBLIC',
    `${everyTable} dotmac_admin`,
  ])
    expect([sql, await refusal(trial.isp, { ...place, script: sql })]).toEqual([sql, null])
  const opening = {
    ...place,
    requireTenantColumn: false,
    script: 'GRANT dotmac_owner TO dotmac_app',
  }
  expect(await refusal(trial.isp, opening)).toBe(null)
}, 60_000)

test("a migration that opens a tenant's schema or role to others fails, in one schema and for all", async () => {
  await using trial = await MigrationsOnTrial.start()
  const tenancy = 'schema-per-tenant'
  await trial.migrate(tenancy)
  for (const id of ['acme', 'globex']) await trial.register(id, tenancy)
  await trial.migrate(tenancy)
  const own = tenantPlace(
    { id: 'acme', ...tenantNames('acme') },
    { service: 'isp', roles: standardRoles },
  )
  for (const [sql, sentence] of betweenSchemas)
    expect([sql, await refusal(trial.isp, { ...own, script: sql })]).toEqual([
      sql,
      expect.stringMatching(sentence),
    ])
  const all = platformPlace(tenancy, { service: 'isp', roles: standardRoles })
  const [first = ''] = betweenSchemas[0] ?? []
  expect(await refusal(trial.isp, { ...all, script: first })).toMatch(
    /tenant_acme_role may become tenant_globex_role/,
  )
}, 60_000)

/** What the guards say of a script, which is undone; null when they let it pass. */
async function refusal(
  session: Session,
  guarded: Omit<Parameters<typeof runGuarded>[1], 'migration'>,
): Promise<string | null> {
  await session.query('BEGIN')
  try {
    await runGuarded(session, { ...guarded, migration: '002.do.more.sql' })
    return null
  } catch (error) {
    return String((error as Error).message)
  } finally {
    await session.query('ROLLBACK')
  }
}
