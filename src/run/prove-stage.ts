/** The prove stage: the self-test of the detector on clones of the templates that were just seeded. */

import type { RunContext } from './context.ts'
import { prove } from './prove.ts'
import { searchLimits } from './search-limits.ts'
import { loadProbes } from './suites.ts'

/** Random cases per cell of a proof at most; `prove --runs` below it asks less. */
const proofRunsMax = 10

export async function proveStage(context: RunContext): Promise<string> {
  const { settings, material, open, poolers } = context
  const behindPgbouncer = poolers.rigs.some(({ kind }) => kind === 'pgbouncer')
  const probes = await loadProbes()
  const needsPgbouncer = (probe: string | null) =>
    probes.find(({ id }) => id === probe)?.probe.needs.includes('pgbouncer') === true
  const tried = context.mutants.filter(({ probe }) => behindPgbouncer || !needsPgbouncer(probe))
  material.untested.push(
    ...context.mutants
      .filter((mutant) => !tried.includes(mutant))
      .map(({ id }) => ({ what: `mutant ${id}`, why: 'it needs a pgbouncer' })),
  )
  const proof = await prove(open, {
    mutants: tried,
    controls: context.controls,
    probes,
    statementTimeoutMs: settings.statementTimeoutMs,
    // A mutant is found early or not at all, and a control must be silent under the same search.
    search: {
      seed: settings.seed,
      runs: Math.min(settings.runs, proofRunsMax),
      ...searchLimits({ quick: true }),
      poolers: poolers.rigs,
      signal: context.signal,
    },
    onStep: (what, done, total) => {
      context.onProgress?.({ stage: 'prove', what, done, total, cases: 0, leaks: 0 })
    },
  })
  material.mutants = proof.mutants
  material.controls = proof.controls
  return `${proof.mutants.killed} of ${proof.mutants.total} mutants killed, ${proof.controls.silent} of ` +
    `${proof.controls.total} controls silent`
}
