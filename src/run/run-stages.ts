/** The stages of a command, one after the other, until one of them cannot go on. */

import { benchStage } from './bench-stage.ts'
import { cutShortOf, deathOf } from './cut-short.ts'
import { expectationOf, keepDurations } from './expected-costs.ts'
import { nameLoss } from './name-loss.ts'
import type { StageName } from './progress.ts'
import { proveStage } from './proof/prove-stage.ts'
import type { Command, RunContext } from './running.ts'
import { seedStage } from './seed-stage.ts'
import { verifyStage } from './verify/verify-stage.ts'

const stagesOf: Readonly<Record<Command, readonly StageName[]>> = {
  run: ['seed', 'verify', 'prove', 'bench'],
  verify: ['seed', 'verify'],
  prove: ['seed', 'prove'],
  bench: ['seed', 'bench'],
  seed: ['seed'],
}

export async function runStages(context: RunContext): Promise<void> {
  const stages = {
    seed: seedStage,
    verify: verifyStage,
    prove: proveStage,
    bench: benchStage,
  } as const
  context.onPlan?.(
    expectationOf(stagesOf[context.command], {
      quick: context.settings.quick,
      last: context.lastDurations,
    }),
  )
  for (const name of stagesOf[context.command]) {
    if (name === 'server' || name === 'report') continue
    if (context.signal.aborted || context.open.died() !== null) break
    const startedMs = performance.now()
    try {
      const summary = await stages[name](context)
      context.onStage?.(name, performance.now() - startedMs, summary)
    } catch (error) {
      // Half a run is still evidence: it is written down, marked as cut short, and never green.
      const failure = await nameLoss(context, error)
      context.material.cutShortBy ??= deathOf(context.open) ?? cutShortOf(failure, name)
      context.material.failure ??= failure
    }
    // What stands still has no exit: without this question the next stage would wait for it, too.
    await context.open.look()
    context.material.stages.push({
      stage: name,
      durationMs: Math.round(performance.now() - startedMs),
    })
    if (context.material.cutShortBy !== null) break
  }
  context.material.cutShortBy =
    context.interruptedBy() ?? deathOf(context.open) ?? context.material.cutShortBy
  keepDurations(context)
}
