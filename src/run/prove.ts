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
import type { Session } from '../postgres/session.ts'
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

export interface Proof {
  readonly mutants: MutantScore
  readonly controls: ControlScore
}

interface Trial {
  readonly kill: Kill | null
  readonly reason: string
  readonly silent: boolean
}

/** Name of the untouched copy from which clones are made. */
export function templateName(site: OpenSite['site'], id: WorldId): string {
  return `${databaseName(site.namespace, id)}_template`
}

/** Two clone names per world, used in turn: poolers learn them before the first clone exists. */
export function cloneNames(site: OpenSite['site'], id: WorldId): readonly [string, string] {
  const name = databaseName(site.namespace, id)
  return [`${name}_clone_a`, `${name}_clone_b`]
}

export async function prove(open: OpenSite, options: ProveOptions): Promise<Proof> {
  const all = [...options.mutants, ...options.controls]
  const before = await readClusterRoles(open.admin)
  const trials: { mutant: Mutant; trial: Trial }[] = []
  // The next clone is made while a mutant is tried: that is a quarter of the time.
  await using builder = await adminSession(open.site.address, open.maintenanceDatabase)
  let ready: Promise<Clone> | null = null
  for (const [index, mutant] of all.entries()) {
    if (options.search.signal?.aborted === true) break
    options.onStep(mutant.id, index, all.length)
    const clone: Promise<Clone> = ready ?? makeClone(open, builder, { mutant, index })
    const next = all[index + 1]
    ready =
      next === undefined
        ? null
        : clone.then(() => makeClone(open, builder, { mutant: next, index: index + 1 }))
    trials.push({ mutant, trial: await tryMutant(open, await clone, { ...options, mutant }) })
    await restoreClusterRoles(open.admin, before)
  }
  const spare = await ready
  if (spare !== null) await dropDatabases(open.admin, [spare.database])
  return scoreOf(trials, all)
}

/** A mutant is what must be found, wherever its file lies; a control what must stay silent. */
function scoreOf(trials: readonly { mutant: Mutant; trial: Trial }[], all: readonly Mutant[]): Proof {
  const named = ({ mutant, trial }: (typeof trials)[number]) => ({
    id: mutant.id,
    title: mutant.title,
    reason: trial.reason,
  })
  const untried = all
    .slice(trials.length)
    .map((mutant) => ({
      mutant,
      trial: { kill: null, reason: 'it was not tried: the run was interrupted', silent: false },
    }))
  const complete = [...trials, ...untried]
  const mutants = complete.filter(({ mutant }) => mutant.expect === 'violated')
  const controls = complete.filter(({ mutant }) => mutant.expect === 'holds')
  const kills = mutants.flatMap(({ trial }) => trial.kill ?? [])
  return {
    mutants: {
      total: mutants.length,
      killed: kills.length,
      kills,
      survived: mutants.filter(({ trial }) => trial.kill === null).map(named),
    },
    controls: {
      total: controls.length,
      silent: controls.filter(({ trial }) => trial.silent).length,
      noisy: controls.filter(({ trial }) => !trial.silent).map(named),
    },
  }
}

/** A clone that could not be made carries its error: the mutant then survives with that reason. */
interface Clone {
  readonly database: string
  readonly error: unknown
}

async function makeClone(
  open: OpenSite,
  builder: Session,
  { mutant, index }: { readonly mutant: Mutant; readonly index: number },
): Promise<Clone> {
  const id = worldOf(mutant)
  const database = cloneNames(open.site, id)[index % 2 === 0 ? 0 : 1]
  open.databases.add(database)
  try {
    await cloneDatabase(builder, open.site, { from: templateName(open.site, id), to: database })
    return { database, error: null }
  } catch (error) {
    return { database, error }
  }
}

function worldOf({ service, tenancy }: Mutant): WorldId {
  return { service, tenancy, variant: 'hardened' }
}

async function tryMutant(
  open: OpenSite,
  { database: clone, error: cloneError }: Clone,
  options: ProveOptions & { readonly mutant: Mutant },
): Promise<Trial> {
  const { mutant } = options
  const id = worldOf(mutant)
  const startedMs = performance.now()
  try {
    if (cloneError !== null) throw cloneError
    if (mutant.sql !== null) await applySql(open, { database: clone, mutant })
    await using world = await openWorld(open.site, {
      id,
      database: clone,
      statementTimeoutMs: options.statementTimeoutMs,
    })
    const search: RunSettings = {
      ...options.search,
      untilFirstWitness: mutant.expect === 'violated',
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
    id === mutant.probe
      ? 0
      : suite === 'context' && mutant.strategy === null
        ? 3
        : probe.basis === 'executed'
          ? 1
          : 2
  return suited.toSorted((a, b) => rank(a) - rank(b))
}

function judge(mutant: Mutant, verdicts: readonly Verdict[], elapsedMs: number): Trial {
  const violated = verdicts.find(({ outcome }) => outcome === 'violated')
  const cell = violated?.cells.find(({ outcome }) => outcome === 'violated')
  if (mutant.expect === 'violated') {
    if (violated === undefined) return { kill: null, reason: surviving(verdicts), silent: false }
    const cases = verdicts.reduce((total, { evidence }) => total + evidence.casesTried, 0)
    return {
      silent: false,
      reason: violated.reason,
      kill: { id: mutant.id, title: mutant.title, probe: violated.probe, cases, ms: Math.round(elapsedMs) },
    }
  }
  const serious = verdicts.flatMap((verdict) =>
    verdict.cells
      .filter(
        ({ outcome, counterexample }) =>
          outcome === 'violated' &&
          !['low', 'info'].includes(counterexample?.witness.severity ?? verdict.severity),
      )
      .map(({ reason }) => `${verdict.probe}: ${reason}`),
  )
  const unknown = verdicts.find(({ outcome }) => outcome === 'unknown')
  const reason =
    serious[0] ??
    (unknown === undefined ? (cell?.reason ?? 'silent') : `${unknown.probe} is unknown: ${unknown.reason}`)
  return {
    kill: null,
    silent: serious.length === 0 && unknown === undefined && verdicts.length > 0,
    reason,
  }
}

function surviving(verdicts: readonly Verdict[]): string {
  const unknown = verdicts.find(({ outcome }) => outcome === 'unknown')
  if (unknown !== undefined) return `nothing was found, and ${unknown.probe} is unknown: ${unknown.reason}`
  const cases = verdicts.reduce((total, { evidence }) => total + evidence.casesTried, 0)
  return `nothing was found in ${cases} cases of ${verdicts.length} probes`
}

/** Plain role names in the text are those of the seed document; on a shared server ours may differ. */
async function applySql(
  open: OpenSite,
  { database, mutant }: { readonly database: string; readonly mutant: Mutant },
): Promise<void> {
  await using session = await adminSession(open.site.address, database)
  const first = open.site.tenants[0]
  const path =
    mutant.tenancy === 'schema-per-tenant' && first !== undefined
      ? `${identifier(first.schema)}, ${sharedSchema}, public`
      : 'public'
  await session.query(`SET search_path = ${path}`)
  await session.query(withRoleNames(mutant.sql ?? '', open))
}

function withRoleNames(sql: string, { site }: OpenSite): string {
  const names = new Map<string, string>([
    ['dotmac_owner', site.namespace.roles.owner],
    ['dotmac_app', site.namespace.roles.app],
    ['dotmac_admin', site.namespace.roles.admin],
    ...site.plan.plannedTenants.map(
      (tenant, index) => [tenant.role, site.tenants[index]?.role ?? tenant.role] as const,
    ),
  ])
  const changed = [...names].filter(([plain, real]) => plain !== real)
  if (changed.length === 0) return sql
  return sql.replace(/\b[a-z_][a-z0-9_]*\b/g, (word) => names.get(word) ?? word)
}
