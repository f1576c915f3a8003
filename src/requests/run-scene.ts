/** What a run over a pool needs to know, and what it tells the search beside its witness. */

import type { ContextStrategy } from '../model/context-strategy.ts'
import { canaryTexts } from './canary-texts.ts'
import { FreshEyes, KindsSeen } from './fresh-eyes.ts'
import { Interrupter } from './interrupter.ts'
import { WarmConnections } from '../postgres/session/warm-connections.ts'
import type { LeftoverTexts } from './leftovers.ts'
import type { PoolerRig } from './pooler.ts'
import type { Tally } from '../probe/tally.ts'
import type { World } from '../world/world.ts'

export interface RunScene extends LeftoverTexts {
  readonly world: World
  readonly rig: PoolerRig
  readonly strategy: ContextStrategy
  readonly tally: Tally
  readonly interrupter: Interrupter
  /** What connections see that nobody has used. */
  readonly fresh: FreshEyes
  readonly kinds: KindsSeen
  /** Connections of earlier runs, emptied. */
  readonly warm: WarmConnections
  /**
   * Slight witnesses (a lock left behind) end a run only where nothing worse was found: otherwise
   * the search would shrink to them and lose the leak.
   */
  readonly low: { counts: boolean; seen: boolean }
}

/** What all runs of a search share: the canary texts, and the sessions beside the pool. */
export function sharedScene(
  world: World,
): AsyncDisposable & LeftoverTexts & Pick<RunScene, 'interrupter' | 'fresh' | 'kinds' | 'warm'> {
  const warm = new WarmConnections()
  return {
    ...canaryTexts(world),
    interrupter: world.once(Interrupter.of),
    fresh: world.once(FreshEyes.of),
    kinds: new KindsSeen(),
    warm,
    [Symbol.asyncDispose]: () => warm[Symbol.asyncDispose](),
  }
}
