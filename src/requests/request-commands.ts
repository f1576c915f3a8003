/** Which steps a sequence is made of, and how often: random ones, and the sequences tried first. */

import fc from 'fast-check'
import type { TenantId } from '../model/tenant.ts'
import { clearedWithTransaction, leftoverKinds, type LeftoverKind } from './leftovers.ts'
import {
  requestSteps,
  slotSteps,
  troublesOfRequests,
  type RequestCommand,
  type SlotStep,
} from './request-steps.ts'
import type { RunScene } from './run-scene.ts'
import { places, retried, type RaisedTrouble } from './trouble-acts.ts'

const {
  enter,
  handle,
  leaveBehind,
  loseConnections,
  meetTrouble,
  nest,
  queryLate,
  queryWithoutTenant,
  release,
  spoil,
  step,
  throwError,
} = requestSteps

/** What an application does with a connection, a forgotten code path included. */
export function anyCommand(scene: RunScene): readonly fc.Arbitrary<RequestCommand>[] {
  const slot = fc.nat({ max: scene.rig.slots - 1 })
  const tenant = fc.constantFrom(...scene.world.tenants.map((each) => each.id))
  const often = <T>(times: number, value: T) => Array.from({ length: times }, () => value)
  const look = slot.map((number) => step('Query', number))
  const others = slotSteps.filter((name) => name !== 'Query')
  // Whole requests come more often: without them a sequence shows nothing about sharing.
  return [
    ...often(
      8,
      tenant.map((id) => handle(id)),
    ),
    ...troublesOfRequests.map((trouble) => tenant.map((id) => spoil(trouble, id))),
    ...often(
      6,
      fc.tuple(slot, tenant).map(([number, id]) => enter(number, id)),
    ),
    ...often(4, look),
    ...often(2, fc.constant(queryWithoutTenant)),
    ...often(2, slot.map(release)),
    ...often(2, slot.map(throwError)),
    ...others.map((name) => slot.map((number) => step(name, number))),
    fc.constant(queryLate),
    ...often(
      3,
      fc.tuple(tenant, anyTrouble(scene)).map(([id, each]) => meetTrouble(id, each)),
    ),
    ...(scene.rig.kind === 'driver' ? [fc.constant(loseConnections)] : []),
    ...often(
      2,
      fc
        .tuple(fc.constantFrom(...kindsOf(scene)), tenant)
        .map(([kind, id]) => leaveBehind(kind, id)),
    ),
    ...(scene.rig.slots < 2
      ? []
      : [
          ...often(
            2,
            fc.tuple(slot, tenant).map(([number, id]) => nest(number, id)),
          ),
          tenant.map((id) => handle(id, 1)),
        ]),
  ]
}

/**
 * The known ways in which contexts go astray, at most 4 steps each, tried before anything random.
 * They are short as they stand, because fast-check does not shrink examples.
 */
export function knownSequences(scene: RunScene): readonly (readonly RequestCommand[])[] {
  const [first, second = first] = scene.world.tenants.map((each) => each.id)
  if (first === undefined || second === undefined) return []
  return [
    ...shortest(first, second),
    ...kindsOf(scene).map((kind) => [leaveBehind(kind, first), handle(second)]),
    ...afterTrouble(first, second),
    ...raised(scene, first, second),
    ...(scene.rig.slots < 2 ? [] : besideEachOther(first, second)),
  ]
}

function shortest(first: TenantId, second: TenantId) {
  return [
    [handle(first), queryWithoutTenant],
    [handle(first), handle(second)],
    [enter(0, first), step('Query', 0), step('Query', 0)],
    [enter(0, first), throwError(0), queryWithoutTenant],
    [enter(0, first), throwError(0), handle(second)],
    [handle(first), queryLate],
    [enter(0, first), step('DeclareCursor', 0), release(0), handle(second)],
  ]
}

function afterTrouble(first: TenantId, second: TenantId) {
  const trouble: readonly SlotStep[] = ['SqlError', 'Cancel', 'Timeout', 'Rollback', 'Commit']
  return [
    ...trouble.map((name) => [handle(first), enter(0, second), step(name, 0), step('Query', 0)]),
    ...trouble.map((name) => [enter(0, first), step(name, 0), release(0), queryWithoutTenant]),
    [enter(0, first), step('Recover', 0), step('Query', 0)],
    [enter(0, first), step('Cut', 0), release(0), handle(second)],
  ]
}

/** Behind pgbouncer a client that lost its server is a matter of the pooler's. */
function codesFor({ rig }: RunScene) {
  return retried.filter((code) => code !== 'cut' || rig.kind === 'driver')
}

/** Whose clean-up fails ends the connection; behind pgbouncer that is the client's, and nobody can end the other. */
function placesFor({ rig }: RunScene) {
  return places.filter((place) => !place.startsWith('after') || rig.kind === 'driver')
}

function anyTrouble(scene: RunScene): fc.Arbitrary<RaisedTrouble> {
  return fc.record({
    place: fc.constantFrom('work' as const, ...placesFor(scene)),
    number: fc.nat({ max: 2 }),
    // What cannot be serialized is what most applications try again.
    code: fc.constantFrom('40001' as const, '40001' as const, ...codesFor(scene)),
  })
}

/** Each code once in the work, and each statement around it that a strategy usually sends; few pools for all. */
function raised(scene: RunScene, first: TenantId, second: TenantId): readonly RequestCommand[][] {
  const at = (place: RaisedTrouble['place'], number: number) =>
    meetTrouble(second, { place, number, code: '40001' })
  const inWork = codesFor(scene)
    .filter((code) => code !== '57P01')
    .map((code) => meetTrouble(second, { place: 'work', number: 0, code }))
  // Who comes next clears away what was left, so somebody looks first.
  const after = [at('after', 0), at('after', 1), at('after a throw', 0)]
  return [
    [handle(first), ...inWork.slice(0, 3)],
    [handle(first), ...inWork.slice(3), handle(first)],
    [handle(first), at('before', 0), at('before', 1), at('before', 2), handle(first)],
    ...(placesFor(scene).includes('after')
      ? [after.flatMap((each) => [each, queryWithoutTenant])]
      : []),
  ]
}

function besideEachOther(first: TenantId, second: TenantId) {
  return [
    [enter(0, first), enter(1, second), step('Query', 0)],
    [enter(0, first), nest(0, second), step('Query', 0)],
    [handle(first), handle(second, 1)],
    [enter(0, first), enter(1, second), step('Cut', 0), step('Query', 1)],
  ]
}

/** What the work may leave: what the strategy promises to clear, on a session that is its own. */
function kindsOf({ strategy, rig, world }: RunScene): readonly LeftoverKind[] {
  const whole = strategy.clears === 'session' && rig.kind === 'driver'
  const bySchema = world.context.bindsBy('search_path')
  return leftoverKinds.filter((kind) => {
    if (clearedWithTransaction.has(kind)) return true
    return whole && (bySchema || (kind !== 'role' && kind !== 'search_path'))
  })
}
