/** The bench stage: gauges on a database of their own. */

import type { RunContext } from './execute.ts'

export async function benchStage(context: RunContext): Promise<string> {
  context.material.untested.push({ what: 'speed', why: 'no gauge is installed' })
  return Promise.resolve('no gauge')
}
