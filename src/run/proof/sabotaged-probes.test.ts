/** A detector that is sabotaged in one place cannot be proven by the run that relies on it. */

import { afterAll, beforeAll, expect, test } from 'vitest'
import type { LoadedProbe } from '../../probe/ask.ts'
import { loadProbes } from '../../probe/load-probes.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { cloneDatabase } from '../../reference/site/provision.ts'
import type { World } from '../../world/world.ts'
import { askBlindTwin } from './blind-twin.ts'
import { templateName } from './clone-lane.ts'
import { loadMutants, type Mutant } from './mutant.ts'
import { proofOfProbes } from './prove-probes.ts'
import { prove } from './prove.ts'

const names = ['reads-foreign-rows', 'writes-by-grammar', 'updates-blindly']
const statementTimeoutMs = 10_000
const search = { seed: 1, runs: 4 }
let platform: PlatformOnTrial
let probes: readonly LoadedProbe[] = []
let mutants: readonly Mutant[] = []

beforeAll(async () => {
  platform = await PlatformOnTrial.start({ services: ['isp'], tenants: 3, rows: 30 })
  const to = templateName(platform.open.site, platform.world('isp'))
  platform.open.databases.add(to)
  await cloneDatabase(platform.open.admin, platform.open.site, {
    from: platform.database('isp'),
    to,
  })
  probes = (await loadProbes()).filter(({ id }) => names.includes(id))
  const all = await loadMutants('mutants', null)
  mutants = names.flatMap(
    (name) =>
      all.find(({ probe, id }) => probe === name && /policy-true|check-option/.test(id)) ?? [],
  )
}, 180_000)
afterAll(async () => {
  await platform[Symbol.asyncDispose]()
})

/** The names of the probes that are not proven. */
async function unproven(given: readonly LoadedProbe[], withBlind = false): Promise<string[]> {
  const options = { probes: given, search, statementTimeoutMs }
  const { own } = await prove(platform.open, {
    ...options,
    mutants,
    controls: [],
    ownOnly: true,
    onStep: () => undefined,
  })
  const blind = withBlind ? await askBlindTwin(platform.open, options) : null
  return proofOfProbes({ probes: given, own, blind, lacking: new Map() })
    .filter(({ proven }) => !proven)
    .map(({ probe }) => probe)
}

const patched = (id: string, probe: Partial<LoadedProbe['probe']>) =>
  probes.map((each) => (each.id === id ? { ...each, probe: { ...each.probe, ...probe } } : each))

const withWorld = (change: (world: World) => World) =>
  probes.map((each) => ({
    ...each,
    probe: {
      ...each.probe,
      search: ((world, cell, settings) =>
        each.probe.search(change(world), cell, settings)) as LoadedProbe['probe']['search'],
    },
  }))

function replaced(world: World, parts: Partial<Record<keyof World, unknown>>): World {
  return new Proxy(world, {
    get: (target, key) => {
      if (Object.hasOwn(parts, key)) return parts[key as keyof World]
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

test('every probe is proven as it is, and its controls say no where nothing can be seen', async () => {
  expect(await unproven(probes, true)).toEqual([])
}, 180_000)

test('a probe that always holds is the one that is named', async () => {
  const holds = patched('updates-blindly', {
    search: (_, { name, path }) =>
      Promise.resolve({
        object: name,
        path,
        outcome: 'holds',
        reason: 'nothing foreign',
        evidence: {
          casesAsked: 9,
          casesTried: 9,
          controlsTried: 1,
          controlsSeen: 1,
          refused: 0,
          indeterminate: 0,
          sharedBackends: null,
        },
        counterexample: null,
        indeterminate: [],
      }),
  })
  expect(await unproven(holds)).toEqual(['updates-blindly'])
}, 180_000)

test('an oracle that recognises nobody, and a ground truth without tenants, prove no reader', async () => {
  const nobody = withWorld((world) =>
    replaced(world, {
      ownership: {
        ...world.ownership,
        ownerOfValue: () => null,
        ownersIn: () => new Set(),
        ownersOf: () => new Set(),
      },
    }),
  )
  expect(await unproven(nobody)).toContain('reads-foreign-rows')
}, 180_000)

test('a write oracle without changes, and attempts that are dropped, prove no writer', async () => {
  const unchanged = withWorld((world) =>
    replaced(world, {
      write: async (...given: Parameters<World['write']>) => ({
        ...(await world.write(...given)),
        changes: [],
      }),
    }),
  )
  expect(await unproven(unchanged)).toContain('writes-by-grammar')
  const dropped = withWorld((world) =>
    replaced(world, {
      attempt: () => Promise.resolve({ steps: [], backendPid: null }),
      write: () => Promise.resolve({ attempt: { steps: [], backendPid: null }, changes: [] }),
    }),
  )
  expect(await unproven(dropped)).toEqual(probes.map(({ id }) => id))
}, 180_000)

test('controls that always say yes are heard in the blind twin', async () => {
  const yes = withWorld((world) =>
    replaced(world, {
      attempt: async (...given: Parameters<World['attempt']>) => {
        const attempt = await world.attempt(...given)
        const steps = attempt.steps.map((step) =>
          step.role === 'control'
            ? {
                ...step,
                observation: {
                  kind: 'rows' as const,
                  rows:
                    given[0].length > 0 ? [{ n: '1', tenant_id: world.tenants[0]?.id ?? '' }] : [],
                  affected: 1,
                  truncated: false,
                },
              }
            : step,
        )
        return { ...attempt, steps }
      },
    }),
  )
  expect(await unproven(yes, true)).toContain('reads-foreign-rows')
}, 180_000)
