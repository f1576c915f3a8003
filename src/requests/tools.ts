/** The tools of searches over pools: poolers, strategies, and who wants to know which backend served whom. */

import type { ContextStrategy } from '../model/context-strategy.ts'
import type { Lack, SearchSettings } from '../probe/define.ts'
import { ToolKey } from '../probe/tools.ts'
import type { World } from '../world/world.ts'
import type { MatrixServers } from './pool-matrix/servers.ts'
import type { PoolerRig } from './pooler.ts'
import type { SeenSpan } from './request-run.ts'
import type { RunScene } from './run-scene.ts'

/** Poolers on trial; context probes need them. */
export const poolerRigs = new ToolKey<readonly PoolerRig[]>('poolers')
/** pgbouncers of the pool matrix; without them only the driver's pool is measured. */
export const matrixServers = new ToolKey<MatrixServers>('pgbouncers of the pool matrix')
/** Strategies on trial instead of the platform's own. */
export const strategiesOnTrial = new ToolKey<readonly ContextStrategy[]>('strategies')
/** Who was seen on which backend, for the context timeline. */
export const spanListener = new ToolKey<(scene: RunScene, spans: readonly SeenSpan[]) => void>(
  'context timeline',
)

/** What a search without pgbouncer lacks: an absence that is `unknown` where one was asked for. */
export function pgbouncerLack(
  { tools }: Pick<SearchSettings, 'tools'>,
  asked: boolean,
): readonly Lack[] {
  if (tools?.get(poolerRigs)?.some(({ kind }) => kind === 'pgbouncer') === true) return []
  return [
    asked
      ? {
          need: 'pgbouncer',
          outcome: 'unknown',
          reason: 'a pgbouncer was asked for and could not be used',
        }
      : { need: 'pgbouncer', outcome: 'inapplicable', reason: 'no pgbouncer was found' },
  ]
}

/** Strategies that are tried on the pooler: those on trial, else the platform's that hold behind it. */
export function strategiesFor(
  world: World,
  rig: PoolerRig,
  settings: SearchSettings,
): readonly ContextStrategy[] {
  const onTrial = settings.tools?.get(strategiesOnTrial)
  if (onTrial !== undefined) return onTrial
  return world.options.strategies
    .filter(({ behindPooler }) => rig.kind === 'driver' || behindPooler)
    .map(({ strategy }) => strategy)
}
