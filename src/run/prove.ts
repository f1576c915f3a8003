/**
 * Proves that the detector sees: each mutant is applied to a clone of the healthy template and must
 * be found; each control must stay silent.
 */

import { messageOf } from '../errors.ts'
import type { ControlScore, Kill, MutantScore } from '../model/report.ts'
import type { WorldId } from '../model/tenancy.ts'
import type { Verdict } from '../model/verdict.ts'
import { runProbe, type LoadedProbe, type RunSettings } from '../probe/run.ts'
import { identifier } from '../postgres/identifier.ts'
import { sharedSchema } from '../dotmac/schema-manager.ts'
import { readClusterRoles, restoreClusterRoles } from './cluster-roles.ts'
import type { Mutant } from './mutant.ts'
import { databaseName } from './namespace.ts'
import type { OpenSite } from './open-site.ts'
import { adminSession, cloneDatabase, dropDatabases } from './provision.ts'
import { openWorld } from './worlds.ts'

export interface ProveOptions {
  readonly mutants: readonly Mutant[]
  readonly controls: readonly Mutant[]
  readonly probes: readonly LoadedProbe[]
  readonly search: RunSettings
  readonly statementTimeoutMs: number
  /** Called before each mutant and control. */
  readonly onStep: (what: string, done: number, total: number) => void
}

export interface Proof { readonly mutants: MutantScore; readonly controls: ControlScore }

interface Trial { readonly kill: Kill | null; readonly reason: string; readonly silent: boolean }

/** Name of the untouched copy from which clones are made. */
export function templateName(site: OpenSite['site'], id: WorldId): string {
  return `${databaseName(site.namespace, id)}_template`
}

/** One clone name per world: poolers learn it before the first clone exists. */
export function cloneName(site: OpenSite['site'], id: WorldId): string {
  return `${databaseName(site.namespace, id)}_clone`
}

export async function prove(open: OpenSite, options: ProveOptions): Promise<Proof> {
  const all = [...options.mutants, ...options.controls]
  const before = await readClusterRoles(open.admin)
  const trials: { mutant: Mutant; trial: Trial }[] = []
  for (const [index, mutant] of all.entries()) {
    if (options.search.signal?.aborted === true) break
    options.onStep(mutant.id, index, all.length)
    trials.push({ mutant, trial: await tryMutant(open, mutant, options) })
    await restoreClusterRoles(open.admin, before)
  }
  return scoreOf(trials, all)
}

/** A mutant is what must be found, wherever its file lies; a control what must stay silent. */
function scoreOf(trials: readonly { mutant: Mutant; trial: Trial }[], all: readonly Mutant[]): Proof {
  const named = ({ mutant, trial }: (typeof trials)[number]) => ({ id: mutant.id, title: mutant.title, reason: trial.reason })
  const untried = all.slice(trials.length).map((mutant) =>
    ({ mutant, trial: { kill: null, reason: 'it was not tried: the run was interrupted', silent: false } }))
  const complete = [...trials, ...untried]
  const mutants = complete.filter(({ mutant }) => mutant.expect === 'violated')
  const controls = complete.filter(({ mutant }) => mutant.expect === 'holds')
  const kills = mutants.flatMap(({ trial }) => trial.kill ?? [])
  return {
    mutants: {
      total: mutants.length, killed: kills.length, kills,
      survived: mutants.filter(({ trial }) => trial.kill === null).map(named),
    },
    controls: {
      total: controls.length, silent: controls.filter(({ trial }) => trial.silent).length,
      noisy: controls.filter(({ trial }) => !trial.silent).map(named),
    },
  }
}

async function tryMutant(open: OpenSite, mutant: Mutant, options: ProveOptions): Promise<Trial> {
  const id: WorldId = { service: mutant.service, tenancy: mutant.tenancy, variant: 'hardened' }
  const clone = cloneName(open.site, id)
  const startedMs = performance.now()
  try {
    open.databases.add(clone)
    await cloneDatabase(open.admin, open.site, { from: templateName(open.site, id), to: clone })
    if (mutant.sql !== null) await applySql(open, { database: clone, mutant })
    await using world = await openWorld(open.site, { id, database: clone, statementTimeoutMs: options.statementTimeoutMs })
    const search: RunSettings = {
      ...options.search, untilFirstWitness: mutant.expect === 'violated',
      ...(mutant.strategy === null ? {} : { strategies: [mutant.strategy] }),
    }
    const verdicts: Verdict[] = []
    for (const loaded of probesFor(mutant, options.probes)) {
      const verdict = await runProbe(loaded, world, search)
      verdicts.push(verdict)
      if (verdict.outcome === 'violated' && mutant.expect === 'violated') break
    }
    return judge(mutant, verdicts, performance.now() - startedMs)
  } catch (error) {
    return { kill: null, reason: `it could not be tried: ${messageOf(error)}`, silent: false }
  } finally {
    await dropDatabases(open.admin, [clone])
  }
}

/** The probe that the file names comes first; a strategy is for the context suite alone. */
function probesFor(mutant: Mutant, probes: readonly LoadedProbe[]): readonly LoadedProbe[] {
  const suited = mutant.strategy === null ? probes : probes.filter(({ suite }) => suite === 'context')
  const rank = ({ id, suite, probe }: LoadedProbe) =>
    id === mutant.probe ? 0 : suite === 'context' && mutant.strategy === null ? 3 : probe.basis === 'executed' ? 1 : 2
  return suited.toSorted((a, b) => rank(a) - rank(b))
}

function judge(mutant: Mutant, verdicts: readonly Verdict[], elapsedMs: number): Trial {
  const violated = verdicts.find(({ outcome }) => outcome === 'violated')
  const cell = violated?.cells.find(({ outcome }) => outcome === 'violated')
  if (mutant.expect === 'violated') {
    if (violated === undefined) return { kill: null, reason: surviving(verdicts), silent: false }
    const cases = verdicts.reduce((total, { evidence }) => total + evidence.casesTried, 0)
    return {
      silent: false, reason: violated.reason,
      kill: { id: mutant.id, title: mutant.title, probe: violated.probe, cases, ms: Math.round(elapsedMs) },
    }
  }
  const serious = verdicts.flatMap((verdict) => verdict.cells.filter(({ outcome, counterexample }) =>
    outcome === 'violated' && !['low', 'info'].includes(counterexample?.witness.severity ?? verdict.severity))
    .map(({ reason }) => `${verdict.probe}: ${reason}`))
  const unknown = verdicts.find(({ outcome }) => outcome === 'unknown')
  const reason = serious[0] ?? (unknown === undefined ? cell?.reason ?? 'silent' : `${unknown.probe} is unknown: ${unknown.reason}`)
  return { kill: null, silent: serious.length === 0 && unknown === undefined && verdicts.length > 0, reason }
}

function surviving(verdicts: readonly Verdict[]): string {
  const unknown = verdicts.find(({ outcome }) => outcome === 'unknown')
  if (unknown !== undefined) return `nothing was found, and ${unknown.probe} is unknown: ${unknown.reason}`
  const cases = verdicts.reduce((total, { evidence }) => total + evidence.casesTried, 0)
  return `nothing was found in ${cases} cases of ${verdicts.length} probes`
}

/** Plain role names in the text are those of the seed document; on a shared server ours may differ. */
async function applySql(open: OpenSite, { database, mutant }: { readonly database: string; readonly mutant: Mutant }): Promise<void> {
  await using session = await adminSession(open.site.address, database)
  const first = open.site.tenants[0]
  const path = mutant.tenancy === 'schema-per-tenant' && first !== undefined
    ? `${identifier(first.schema)}, ${sharedSchema}, public` : 'public'
  await session.query(`SET search_path = ${path}`)
  await session.query(withRoleNames(mutant.sql ?? '', open))
}

function withRoleNames(sql: string, { site }: OpenSite): string {
  const names = new Map<string, string>([
    ['dotmac_owner', site.namespace.roles.owner], ['dotmac_app', site.namespace.roles.app],
    ['dotmac_admin', site.namespace.roles.admin],
    ...site.plan.plannedTenants.map((tenant, index) => [tenant.role, site.tenants[index]?.role ?? tenant.role] as const),
  ])
  const changed = [...names].filter(([plain, real]) => plain !== real)
  if (changed.length === 0) return sql
  return sql.replace(/\b[a-z_][a-z0-9_]*\b/g, (word) => names.get(word) ?? word)
}
