import { expect, test } from 'vitest'
import { MigrationsOnTrial } from '../../testing/migrations-on-trial.ts'
import { standardRoles } from '../roles.ts'
import { platformPlace } from './places.ts'
import { runGuarded } from './run-guards.ts'

test('what a script sets, becomes or makes for the session is gone before the next one', async () => {
  await using trial = await MigrationsOnTrial.start({ migrated: 'row-level-security' })
  const { isp } = trial
  const place = {
    ...platformPlace('row-level-security', { service: 'isp', roles: standardRoles }),
    migration: '2',
  }
  await isp.query("SET work_mem = '5MB'; CREATE TEMPORARY TABLE mine (a int)")
  const state = async () =>
    (
      await isp.query(`SELECT session_user AS login, current_user AS who,
    current_setting('search_path') AS path, current_setting('session_replication_role') AS replication,
    current_setting('row_security') AS policies, current_setting('statement_timeout') AS timeout,
    current_setting('work_mem') AS memory, coalesce(current_setting('app.current_tenant_id', true), '') AS tenant,
    (SELECT string_agg(relname, ',' ORDER BY relname) FROM pg_class
      WHERE relnamespace = pg_my_temp_schema() AND relkind IN ('r', 'p', 'S', 'v')) AS temporary`)
    )[0]
  const before = await state()
  expect(before).toMatchObject({
    replication: 'origin',
    policies: 'on',
    memory: '5MB',
    temporary: 'mine',
  })
  await isp.query('BEGIN')
  await runGuarded(isp, {
    ...place,
    script: `SET session_replication_role = replica; SET row_security = off;
    SET statement_timeout = 7000; SET work_mem = '9MB'; SET search_path = pg_temp; SET LOCAL lock_timeout = 3;
    SET app.current_tenant_id = 'acme'; CREATE TEMPORARY TABLE isp_customers (a serial);
    CREATE TEMPORARY SEQUENCE counted; CREATE TEMPORARY VIEW isp_services AS SELECT 1; CREATE TEMPORARY VIEW
    low AS SELECT * FROM isp_services; CREATE TEMPORARY TABLE "Odd ""name""" (a int);
    CREATE TEMPORARY TABLE gone (a int) ON COMMIT DROP; SET SESSION AUTHORIZATION dotmac_owner;
    SET ROLE dotmac_owner`,
  })
  expect(await state()).toEqual(before)
  await isp.query('COMMIT')
  expect(await state()).toEqual(before)
  await isp.query('BEGIN')
  await runGuarded(isp, { ...place, script: 'ALTER TABLE isp_customers ADD COLUMN note text' })
  await isp.query('COMMIT')
  const [added] = await isp.query(
    "SELECT attrelid::regclass::text AS at FROM pg_attribute WHERE attname = 'note'",
  )
  expect(added).toEqual({ at: 'isp_customers' })
}, 60_000)
