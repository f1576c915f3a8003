/** The prove stage: the self-test of the detector on clones of the templates that were just seeded. */

import { toolsOf } from '../poolers.ts'
import type { RunContext } from '../running.ts'
import type { Mutant } from './mutant.ts'
import type { OpenSite } from '../../reference/site/open-site.ts'
import { prove } from './prove.ts'
import { proveGenerated } from './generated/prove-generated.ts'
import { generatedLine } from '../../report/generated.ts'
import { worldsOf } from '../../reference/site/namespace.ts'
import { loadProbes } from '../../probe/load-probes.ts'

export async function proveStage(context: RunContext): Promise<string> {
  const { settings, material, open, poolers } = context
  const behindPgbouncer = poolers.rigs.some(({ kind }) => kind === 'pgbouncer')
  const probes = await loadProbes()
  const needsOf = (probe: string | null) => probes.find(({ id }) => id === probe)?.probe.needs ?? []
  const lacks = ({ probe, needs, tenant, server }: Mutant): string | null => {
    if (server !== null && !runsOn(server, open)) return `it needs server ${server}`
    const isPooled = needs === 'pgbouncer' || needsOf(probe).includes('pgbouncer')
    if (!behindPgbouncer && isPooled) return 'it needs a pgbouncer'
    if (!settings.timing && needsOf(probe).includes('timing')) return 'it needs --timing'
    const known = tenant === null || open.site.tenants.some(({ id }) => id === tenant)
    return known ? null : `it needs the tenant ${JSON.stringify(tenant)}`
  }
  const tried = context.mutants.filter((mutant) => lacks(mutant) === null)
  const controls = context.controls.filter((control) => lacks(control) === null)
  material.untested.push(
    ...[...context.mutants, ...context.controls].flatMap((each) => {
      const why = lacks(each)
      return why === null
        ? []
        : [{ what: `${each.expect === 'holds' ? 'control' : 'mutant'} ${each.id}`, why }]
    }),
  )
  const common = {
    probes,
    statementTimeoutMs: settings.statementTimeoutMs,
    // A mutant is found early or not at all.
    search: {
      seed: settings.seed,
      runs: settings.runs,
      timing: settings.timing,
      tools: toolsOf(poolers),
      signal: context.signal,
    },
    onStep: (what: string, done: number, total: number) => {
      context.onProgress?.({ stage: 'prove', what, done, total, cases: 0, leaks: 0 })
    },
  }
  const proof = await prove(open, { ...common, mutants: tried, controls })
  material.mutants = proof.mutants
  material.controls = proof.controls
  if (settings.generated > 0)
    material.generated = await proveGenerated(open, {
      ...common,
      size: settings.generated,
      seed: settings.seed,
      worlds: worldsOf(settings.mode, []),
    })
  const { generated } = material
  const { killed, total, classes } = proof.mutants
  return (
    `${killed} of ${total} mutants of ${classes?.tried ?? 0} classes killed, ${proof.controls.silent} of ` +
    `${proof.controls.total} controls silent${generated === null ? '' : `; ${generatedLine(generated)}`}`
  )
}

/** `15.1` is that server alone, `16+` every one from 16 on. */
function runsOn(wanted: string, { serverVersion, site }: OpenSite): boolean {
  return wanted.endsWith('+')
    ? site.serverVersionNum >= Number.parseInt(wanted) * 10_000
    : wanted === serverVersion
}
