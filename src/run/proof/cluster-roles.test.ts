import { expect, test } from 'vitest'
import { startEmbeddedServer } from '../../postgres/server/server.ts'
import { readClusterRoles, restoreClusterRoles, sameClusterRoles } from './cluster-roles.ts'
import { adminSession } from '../../reference/site/provision.ts'

const damage = [
  'CREATE ROLE planted BYPASSRLS',
  'GRANT planted TO kept',
  'GRANT CONNECT ON DATABASE postgres TO planted',
  'ALTER ROLE kept SUPERUSER',
  "ALTER ROLE kept PASSWORD 'another'",
  "ALTER ROLE kept SET search_path = 'x'",
  "ALTER ROLE other SET app.current_tenant_id = 'acme'",
  "ALTER ROLE ALL SET statement_timeout = '1min'",
  'ALTER ROLE renamed RENAME TO gone',
  'REVOKE other FROM kept',
  'GRANT kept TO other',
]

test('whatever is done to roles, memberships and their settings is undone', async () => {
  await using server = await startEmbeddedServer()
  await using admin = await adminSession(server.address, 'postgres')
  await admin.query(`CREATE ROLE kept LOGIN PASSWORD 'secret'; CREATE ROLE other; CREATE ROLE renamed;
    GRANT other TO kept; ALTER ROLE kept SET app.tenant = 'a=b'`)
  const before = await readClusterRoles(admin)
  for (const sql of damage) await admin.query(sql)
  expect(sameClusterRoles(await readClusterRoles(admin), before)).toBe(false)
  await restoreClusterRoles(admin, before)
  expect(await readClusterRoles(admin)).toEqual(before)
}, 60_000)
