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

const {
  enter,
  handle,
  leaveBehind,
  loseConnections,
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

function besideEachOther(first: TenantId, second: TenantId) {
  return [
    [enter(0, first), enter(1, second), step('Query', 0)],
    [enter(0, first), nest(0, second), step('Query', 0)],
    [handle(first), handle(second, 1)],
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
