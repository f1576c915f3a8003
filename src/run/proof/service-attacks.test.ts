/** The service under attack, on a server: what it commits is seen and undone, and silence is never a proof. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import { runProbe, type LoadedProbe } from '../../probe/ask.ts'
import { sendAll } from '../../reference/service/define.ts'
import { requestOf } from '../../reference/service/inputs.ts'
import { routeCells, routeOf } from '../../reference/service/routes.ts'
import type { ServiceBuild } from '../../reference/service/service-build.ts'
import type { World } from '../../world/world.ts'
import type { TenancyName } from '../../model/tenancy.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { cloneDatabase } from '../../reference/site/provision.ts'
import { loadProbes } from '../../probe/load-probes.ts'
import { openWorld } from '../../reference/site/worlds.ts'

const platforms = new Map<TenancyName, PlatformOnTrial>()
let probes: readonly LoadedProbe[] = []
let clones = 0

beforeAll(async () => {
  for (const tenancy of ['row-level-security', 'schema-per-tenant'] as const) {
    platforms.set(
      tenancy,
      await PlatformOnTrial.start({ services: ['isp'], tenants: 3, rows: 30, tenancy }),
    )
  }
  probes = (await loadProbes()).filter(({ suite }) => suite === 'service')
}, 120_000)

afterAll(async () => {
  for (const platform of platforms.values()) await platform[Symbol.asyncDispose]()
})

async function worldOf(tenancy: TenancyName, build?: ServiceBuild): Promise<World> {
  const platform = platforms.get(tenancy)
  if (platform === undefined) throw new Error('no platform')
  const { open } = platform
  const database = `on_trial_${clones++}`
  open.databases.add(database)
  await cloneDatabase(open.admin, open.site, { from: platform.database('isp'), to: database })
  return openWorld(open.site, {
    id: platform.world('isp'),
    database,
    statementTimeoutMs: 10_000,
    service: { database, ...(build === undefined ? {} : { build }) },
  })
}

const ask = (id: string, world: World) => {
  const loaded = probes.find((each) => each.id === id)
  if (loaded === undefined) throw new Error(`no probe ${id}`)
  return runProbe(loaded, world, { seed: 1, runs: 2, examplesMax: 3, controlTenantsMax: 2 })
}

const everything = (world: World) =>
  world.look(`SELECT c.oid::regclass::text AS name, query_to_xml(
    format('SELECT count(*), sum(hashtextextended(t::text, 0)::numeric) FROM ONLY %s t', c.oid::regclass),
    false, true, '')::text AS content
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind = 'r' AND nspname NOT LIKE 'pg\\_%' AND nspname NOT IN ('information_schema', 'watertight_scratch')
  ORDER BY 1`)

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'own rows are made, changed and removed by requests, and every table is as before: %s',
  async (tenancy) => {
    await using world = await worldOf(tenancy)
    const before = await everything(world)
    const [one = ''] = world.tenants.map(({ id }) => id)
    const cell = routeCells(
      world,
      ({ method, path }) => method === 'PATCH' && path === '/customers/:id',
    )[0]
    if (cell === undefined) throw new Error('no route')
    const request = requestOf(
      { world, route: routeOf(cell), cell },
      { attacker: one, victim: one, row: 'own', named: 'nowhere', text: '', strict: true },
    )
    if (request === null) throw new Error('no row')
    // As nobody's request the change is seen as one of a tenant's rows; as the tenant's own it is its business.
    const seen = await sendAll(world, [request], { attacker: 'nobody' })
    expect(seen.exchanges[0]?.answer.status).toBe(200)
    expect(
      seen.changes.map(({ relation, owner }) => [relation.split('.')[1], owner]).sort(),
    ).toEqual([
      ['audit_tenant_access', one],
      ['isp_customers', one],
    ])
    expect((await sendAll(world, [request], { attacker: one })).changes).toEqual([])
    expect((await ask('service-changes-foreign-rows', world)).outcome).toBe('holds')
    expect(await everything(world)).toEqual(before)
  },
  120_000,
)

test('a service that only fails, or never answers, holds nothing', async () => {
  const failing: Record<string, ServiceBuild> = {
    fails: () => () => new Response('{}', { status: 500 }),
    'refuses all': () => () => new Response('{}', { status: 403 }),
    'says nothing': () => () => Response.json({}),
    'breaks off': () => () => {
      throw new Error('broken')
    },
  }
  for (const [what, build] of Object.entries(failing)) {
    await using world = await worldOf('row-level-security', build)
    for (const id of [
      'service-answers-foreign-rows',
      'service-changes-foreign-rows',
      'service-reveals-existence',
    ]) {
      const verdict = await ask(id, world)
      expect(
        verdict.cells
          .filter(({ outcome }) => outcome === 'holds')
          .map(({ object, path }) => `${path} ${object}`),
        `${what}: ${id}`,
      ).toEqual([])
    }
  }
}, 120_000)

test('without a service the answer is unknown, and elsewhere the question does not arise', async () => {
  const platform = platforms.get('row-level-security')
  if (platform === undefined) throw new Error('no platform')
  await using world = await openWorld(platform.open.site, {
    id: platform.world('isp'),
    statementTimeoutMs: 10_000,
  })
  for (const { id } of probes) expect((await ask(id, world)).outcome).toBe('unknown')
  const management: World = Object.create(world, {
    id: { value: { ...world.id, service: 'management' } },
  }) as World
  for (const { probe } of probes) expect(probe.cells(management, { seed: 1, runs: 1 })).toEqual([])
}, 60_000)
