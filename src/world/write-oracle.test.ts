/** What a write did is told by rows and owners, wherever it did it; and nothing of it stays. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PlatformOnTrial as Platform } from '../testing/platform-on-trial.ts'
import { PlatformOnTrial } from '../testing/platform-on-trial.ts'
import { openWorld } from '../reference/site/worlds.ts'
import type { Groups } from './row-groups.ts'
import { ownGroups } from './row-groups.ts'
import type { World } from './world.ts'
import { changesOf } from './write-oracle.ts'

const groups = (entries: Readonly<Record<string, readonly [number, string]>>): Groups =>
  new Map(
    Object.entries(entries).map(([owner, [rows, hash]]) => [
      owner === 'nobody' ? null : owner,
      { rows, hash },
    ]),
  )

test('a change is another number or another content of rows that are not the attacker’s', () => {
  const before = new Map([['public.a', groups({ a: [1, '1'], b: [2, '2'], nobody: [1, '9'] })]])
  const changes = (after: Groups) =>
    changesOf(before, new Map([['public.a', after]]), 'a').map(
      ({ owner, rowsBefore, rowsAfter }) => [owner, rowsBefore, rowsAfter],
    )
  expect(changes(groups({ a: [1, '1'], b: [2, '2'], nobody: [1, '9'] }))).toEqual([])
  expect(changes(groups({ a: [7, '7'], b: [2, '2'], nobody: [1, '9'] }))).toEqual([])
  expect(changes(groups({ a: [1, '1'], b: [2, '3'], nobody: [1, '9'] }))).toEqual([['b', 2, 2]])
  expect(changes(groups({ a: [1, '1'], nobody: [1, '9'] }))).toEqual([['b', 2, 0]])
  expect(changes(groups({ a: [1, '1'], b: [2, '2'], nobody: [2, '9'] }))).toEqual([[null, 1, 2]])
  expect(changes(groups({ a: [1, '1'], b: [2, '2'], c: [1, '4'], nobody: [1, '9'] }))).toEqual([
    ['c', 0, 1],
  ])
  expect(changesOf(new Map(), new Map([['public.b', groups({ b: [1, '1'] })]]), 'a')).toHaveLength(
    1,
  )
})

let platform: Platform
let world: World
let [attacker, victim] = ['', '']

beforeAll(async () => {
  platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 3, rows: 10 })
  world = await openWorld(platform.open.site, {
    id: platform.world('isp'),
    statementTimeoutMs: 10_000,
  })
  ;[attacker = '', victim = ''] = world.tenants.map(({ id }) => id)
}, 120_000)

afterAll(async () => {
  await world[Symbol.asyncDispose]()
  await platform[Symbol.asyncDispose]()
})

const written = (sql: string) =>
  world.write(world.tenant(attacker), [{ sql, role: 'attack' as const }])

const changed = async (sql: string) =>
  (await written(sql)).changes
    .map(({ relation, owner, rowsBefore, rowsAfter }) => [relation, owner, rowsAfter - rowsBefore])
    .sort()

const inOneColumn = 'UPDATE isp_customers SET city = $$elsewhere$$'

test('own rows may be written, and a refused write changed nothing', async () => {
  expect(await changed(inOneColumn)).toEqual([])
  expect(await changed("INSERT INTO isp_tags (tenant_id) VALUES ('nobody')")).toEqual([])
  const refused = await written('TRUNCATE isp_customers')
  expect(refused.changes).toEqual([])
  expect(refused.attempt.steps.at(-1)?.observation.kind).toBe('refused')
})

test('foreign rows are told by owner, those of a trigger too, and all are as before', async () => {
  const everything = () =>
    world.admin.query(
      `SELECT count(*) AS n, sum(hashtext(c::text)) AS customers FROM isp_customers c`,
    )
  const before = await everything()
  await world.admin.query(`CREATE POLICY open ON isp_customers USING (true) WITH CHECK (true)`)
  expect(await changed(inOneColumn)).toEqual(
    world.tenants
      .map(({ id }) => id)
      .filter((id) => id !== attacker)
      .map((id) => ['public.isp_customers', id, 0])
      .sort(),
  )
  await world.admin.query(`DROP POLICY open ON isp_customers;
    CREATE FUNCTION spill() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$BEGIN
      DELETE FROM isp_network_links WHERE tenant_id = '${victim}'; RETURN NULL; END$$;
    CREATE TRIGGER spill AFTER UPDATE ON isp_customers EXECUTE FUNCTION spill()`)
  const [links] = await world.admin.query(
    `SELECT count(*) AS n FROM isp_network_links WHERE tenant_id = '${victim}'`,
  )
  const spilt = await changed(`${inOneColumn} WHERE false`)
  expect(spilt.map(([, owner]) => owner)).toEqual(spilt.map(() => victim))
  expect(spilt.reduce((sum, [, , rows]) => sum + Number(rows), 0)).toBe(-Number(links?.['n']))
  expect(Number(links?.['n'])).toBeGreaterThan(0)
  await world.admin.query('DROP TRIGGER spill ON isp_customers; DROP FUNCTION spill()')
  expect(await everything()).toEqual(before)
})

test('what tenants own is all there is, by number', async () => {
  const customers = world.objects.find(({ name }) => name === 'isp_customers')
  if (customers === undefined) throw new Error('no customers')
  const own = await ownGroups(world, customers)
  const rows = await world.admin.query(
    'SELECT tenant_id, count(*) AS n FROM isp_customers GROUP BY 1',
  )
  expect(new Map([...own].map(([owner, { rows: n }]) => [owner, n]))).toEqual(
    new Map(rows.map((row) => [row['tenant_id'], Number(row['n'])])),
  )
  expect(new Set([...own.values()].map(({ hash }) => hash)).size).toBe(own.size)
})
