/** The prove stage: the self-test of the detector on clones of the templates that were just seeded. */

import { toolsOf } from '../poolers.ts'
import { proveGenerated } from './generated/prove-generated.ts'
import { generatedLine } from '../../report/generated.ts'
import { worldsOf } from '../../reference/site/namespace.ts'
import type { ProbeProof } from '../../model/detector.ts'
import type { ControlScore, MutantScore } from '../../model/report.ts'
import { nothingHasThisPath, type LoadedProbe } from '../../probe/ask.ts'
import { loadProbes } from '../../probe/load-probes.ts'
import type { OpenSite } from '../../reference/site/open-site.ts'
import type { RunContext } from '../running.ts'
import { askBlindTwin } from './blind-twin.ts'
import type { Mutant } from './mutant.ts'
import { proofOfProbes } from './prove-probes.ts'
import { prove, type Proof, type ProveOptions } from './prove.ts'
import { versionIn } from './version-mutant.ts'

export async function proveStage(context: RunContext): Promise<string> {
  const { settings, material, open, poolers } = context
  const probes = await loadProbes()
  const lacks = lacksOf(context, probes)
  const can = (list: readonly Mutant[]) => list.filter((each) => lacks(each) === null)
  const counted = countedProbes(context, can(context.mutants))
  const own = context.own.filter(({ probe }) => counted.some(({ id }) => id === probe))
  sayCustom(context)
  sayUntested(context, [...context.mutants, ...own, ...context.controls], lacks)
  const options: ProveOptions = {
    mutants: can(context.mutants),
    controls: can(context.controls),
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
  const proofs = [
    ...(own.length === 0
      ? []
      : [await prove(open, { ...options, mutants: can(own), controls: [], ownOnly: true })]),
    await prove(open, options),
  ]
  material.mutants = mutantsOf(proofs)
  material.controls = controlsOf(proofs)
  material.probeProofs = await probeProofsOf(context, { proofs, counted, lacks, options })
  if (settings.generated > 0) {
    material.generated = await proveGenerated(open, {
      ...options,
      size: settings.generated,
      seed: settings.seed,
      worlds: worldsOf(settings.mode, []),
    })
  }
  const { generated } = material
  const { killed, total, classes } = material.mutants
  return (
    `${killed} of ${total} mutants of ${classes?.tried ?? 0} classes killed, ${material.controls.silent} of ` +
    `${material.controls.total} controls silent${generated === null ? '' : `; ${generatedLine(generated)}`}`
  )
}

interface Tried {
  readonly proofs: readonly Proof[]
  readonly counted: readonly LoadedProbe[]
  readonly lacks: (mutant: Mutant) => string | null
  readonly options: ProveOptions
}

/** Folders of the user's own say nothing about our probes. */
async function probeProofsOf(
  { own, open, settings }: RunContext,
  { proofs, counted, lacks, options }: Tried,
): Promise<readonly ProbeProof[]> {
  if (own.length === 0 && settings.mutants !== null) return []
  const blind = own.length === 0 ? null : await askBlindTwin(open, { ...options, probes: counted })
  const lacking = own.flatMap((each) => {
    const why = lacks(each)
    return why === null || each.probe === null ? [] : [[each.probe, why] as const]
  })
  return proofOfProbes({
    probes: counted,
    own: proofs.flatMap((proof) => proof.own),
    blind,
    lacking: new Map(lacking),
  })
}

function sayCustom({ settings, material, command }: RunContext): void {
  for (const kind of ['mutants', 'controls'] as const) {
    const folder = settings[kind]
    if (folder === null || command !== 'prove') continue
    material.untested.push({
      what: `the shipped ${kind}`,
      why: `custom ones were tried: ${folder}`,
    })
  }
}

/** Those that a run judges by, or a proof tries: what a setting or a missing pooler leaves out needs no proof. */
function countedProbes(
  { material, command }: RunContext,
  tried: readonly Mutant[],
): readonly LoadedProbe[] {
  if (command === 'prove')
    return material.probes.filter(({ id }) => tried.some(({ probe }) => probe === id))
  return material.probes.filter(({ id }) =>
    material.verdicts.some(
      ({ probe, outcome, reason }) =>
        probe === id && (outcome !== 'inapplicable' || reason === nothingHasThisPath),
    ),
  )
}

function lacksOf({ settings, open, poolers }: RunContext, probes: readonly LoadedProbe[]) {
  const behindPgbouncer = poolers.rigs.some(({ kind }) => kind === 'pgbouncer')
  const needsOf = (probe: string | null) => probes.find(({ id }) => id === probe)?.probe.needs ?? []
  return (mutant: Mutant): string | null => {
    const { probe, needs, tenant, server } = mutant
    if (server !== null && !runsOn(server, open) && versionIn(mutant) === null)
      return `it needs server ${server}`
    const isPooled = needs === 'pgbouncer' || needsOf(probe).includes('pgbouncer')
    if (!behindPgbouncer && isPooled) return 'it needs a pgbouncer'
    if (!settings.timing && needsOf(probe).includes('timing')) return 'it needs --timing'
    const known = tenant === null || open.site.tenants.some(({ id }) => id === tenant)
    return known ? null : `it needs the tenant ${JSON.stringify(tenant)}`
  }
}

function sayUntested(
  { material }: RunContext,
  all: readonly Mutant[],
  lacks: (mutant: Mutant) => string | null,
): void {
  material.untested.push(
    ...all.flatMap((each) => {
      const why = lacks(each)
      return why === null
        ? []
        : [{ what: `${each.expect === 'holds' ? 'control' : 'mutant'} ${each.id}`, why }]
    }),
  )
}

/** Classes are those of all proofs; none occurs in two of them as long as ids differ. */
function mutantsOf(proofs: readonly Proof[]): MutantScore {
  const list = proofs.map(({ mutants }) => mutants)
  const classes = list.flatMap((each) => each.classes?.list ?? [])
  return {
    total: list.reduce((sum, { total }) => sum + total, 0),
    killed: list.reduce((sum, { killed }) => sum + killed, 0),
    survived: list.flatMap(({ survived }) => survived),
    kills: list.flatMap(({ kills }) => kills),
    classes: {
      tried: classes.length,
      killed: classes.filter(({ mutants, killed }) => mutants === killed).length,
      list: classes,
    },
  }
}

function controlsOf(proofs: readonly Proof[]): ControlScore {
  const list = proofs.map(({ controls }) => controls)
  return {
    total: list.reduce((sum, { total }) => sum + total, 0),
    silent: list.reduce((sum, { silent }) => sum + silent, 0),
    noisy: list.flatMap(({ noisy }) => noisy),
  }
}

/** `15.1` is that server alone, `16+` every one from 16 on. */
function runsOn(wanted: string, { serverVersion, site }: OpenSite): boolean {
  return wanted.endsWith('+')
    ? site.serverVersionNum >= Number.parseInt(wanted) * 10_000
    : wanted === serverVersion
}
