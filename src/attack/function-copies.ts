/** A function and its copies in the schemas of tenants, and everything that it is worth being asked. */

import { relationKey, type FunctionEntry } from '../model/catalog.ts'
import type { Attempt } from '../model/observation.ts'
import type { Tenant } from '../model/tenant.ts'
import type { Cell, Scene } from '../probe/define.ts'
import type { World } from '../world/world.ts'
import { argumentLists } from './function-arguments.ts'
import { callSql, callsReached, isCallable } from './function-calls.ts'

/** No copies where all tenants share it. */
export interface FunctionCopies {
  readonly name: string
  readonly entry: FunctionEntry
  readonly copies: ReadonlyMap<string, FunctionEntry>
}

const found = new WeakMap<World, readonly FunctionCopies[]>()

function functionsIn(world: World): readonly FunctionCopies[] {
  const known = found.get(world) ?? folded(world)
  found.set(world, known)
  return known
}

function folded(world: World): readonly FunctionCopies[] {
  const owners = new Map(world.tenants.map((tenant) => [tenant.schema, tenant.id]))
  const byKey = new Map<string, Map<string, FunctionEntry>>()
  for (const entry of world.catalog.functions.filter(isCallable)) {
    const types = entry.argumentTypes.map((type) => type.replaceAll(`${entry.schema}.`, ''))
    const owner = owners.get(entry.schema)
    const signature = `${entry.name}(${types.join(', ')})`
    const key = owner === undefined ? relationKey({ ...entry, name: signature }) : signature
    const copies = byKey.get(key) ?? new Map<string, FunctionEntry>()
    byKey.set(key, copies.set(owner ?? '', entry))
  }
  return [...byKey].flatMap(([key, copies]) => {
    const [entry] = copies.values()
    if (entry === undefined) return []
    const name = owners.has(entry.schema) ? key : key.slice(entry.schema.length + 1)
    return [{ name, entry, copies: copies.has('') ? new Map<string, FunctionEntry>() : copies }]
  })
}

/** One cell for each function that the application may call. */
export function functionCells(
  world: World,
  path: string,
  which: (entry: FunctionEntry) => boolean = () => true,
): readonly Cell[] {
  return functionsIn(world)
    .filter(({ entry }) => which(entry))
    .map(({ name }) => ({ object: null, name, path }))
}

export function functionOf({ world, cell }: Scene): FunctionCopies | null {
  return functionsIn(world).find(({ name }) => name === cell.name) ?? null
}

export interface Callers {
  readonly attacker: string
  /** Whose values are passed. */
  readonly victim: string
}

/** Calls of the victim's own copy: one that is open is open for every value. */
const foreignCallsMax = 8

/**
 * Everything that the function is worth being asked, as SQL, in the order of its worth: its own copy with the
 * victim's values, and the victim's copy.
 */
export function callsOf(scene: Scene, callers: Callers): readonly string[] {
  const called = functionOf(scene)
  if (called === null) return []
  const { entry, copies } = called
  const lists = argumentLists(scene.world, entry, callers)
  const own = copies.size === 0 ? entry : copies.get(callers.attacker)
  const theirs = callers.victim === callers.attacker ? undefined : copies.get(callers.victim)
  const calls = own === undefined ? [] : lists.map((list) => callSql(own, list))
  const foreign =
    theirs === undefined ? [] : lists.slice(0, foreignCallsMax).map((list) => callSql(theirs, list))
  return [...calls.slice(0, 8), ...foreign, ...calls.slice(8)]
}

/** How many calls of a control are sent at once. */
const controlCallsMax = 40

/** The function with the tenant's own values: it counts as reached when one call was answered. */
export async function ownCalls(scene: Scene, tenant: Tenant): Promise<Attempt> {
  const { world } = scene
  const called = functionOf(scene)
  // Where the tenant has no such function somebody else's own one is the control.
  const holder =
    called === null || called.copies.size === 0 || called.copies.has(tenant.id)
      ? tenant
      : world.tenant([...called.copies.keys()][0] ?? tenant.id)
  const calls = callsOf(scene, { attacker: holder.id, victim: holder.id })
  return world.attempt([...world.enter(holder), ...callsReached(calls.slice(0, controlCallsMax))])
}
