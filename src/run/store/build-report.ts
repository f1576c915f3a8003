/** Builds the report from what the stages left: findings, coverage, gates. */

import { decide, type Undecided } from '../../gate/decide.ts'
import { rulesFrom } from '../../gate/rules.ts'
import { coverageOf } from '../../judge/coverage.ts'
import { findingsOf } from '../../judge/findings.ts'
import { reportVersion, type Coverage, type Report } from '../../model/report.ts'
import { driverPool } from '../../requests/pooler.ts'
import { rowsPlanned } from '../../reference/seed/plan.ts'
import { tablesOf } from '../../dotmac/models/index.ts'
import { services } from '../../model/tenancy.ts'
import { readEnvironment } from './environment.ts'
import { readBuildState } from '../proof/build-state.ts'
import { asWrittenServices, type RunContext } from '../running.ts'
import { toolIdentity } from './tool.ts'

/** What no test inside one database can prove. */
const assumptions: Coverage['assumptions'] = [
  'Tenants run no SQL of their own: a session that executes arbitrary SQL can set ' +
    'app.current_tenant_id, or SET ROLE to any tenant the pool may become.',
  'Superusers, BYPASSRLS roles, owners without FORCE, replication and backups see every tenant by design.',
  'Catalogues (pg_policies, pg_namespace, pg_class.reltuples, relation sizes) are readable by every ' +
    'role and name tenants or count rows.',
]

/** Said where it was not asked for: an answer time is worth no more than the peace of the machine. */
const untimed = 'Timing channels were not measured (--timing does).'

export async function buildReport(context: RunContext): Promise<Report> {
  const { material, open, settings, directory } = context
  const poolers = usedPoolers(context)
  const finishedAt = new Date()
  const undecided: Undecided = {
    reportVersion,
    tool: toolIdentity(),
    run: {
      id: directory.id,
      command: material.command,
      startedAt: material.startedAt.toISOString(),
      finishedAt: finishedAt.toISOString(),
      durationMs: finishedAt.getTime() - material.startedAt.getTime(),
      seed: settings.seed,
      tenants: tenantRows(context),
      partial: material.cutShortBy !== null,
      cutShortBy: material.cutShortBy,
      stages: material.stages,
    },
    target: {
      kind: open.server.kind,
      address: addressOf(context),
      serverVersion:
        material.servers.map(({ version }) => version).join(', ') || open.serverVersion,
      serverVersionNum: open.site.serverVersionNum,
      databases: material.databases,
      kept: settings.keep && open.server.kind === 'named',
      unexamined: open.unexamined,
    },
    settings: context.entries,
    coverage: coverageOf(material.verdicts, {
      filter: material.filter,
      poolers: material.verdicts.length > 0 || material.mutants.total > 0 ? poolers : [],
      untested: [
        ...material.untested,
        ...untestedPoolers(poolers),
        ...untestedModes(settings.mode),
        ...untestedAsWritten(context),
        ...wideAsWritten(context),
      ],
      assumptions: settings.timing ? assumptions : [...assumptions, untimed],
      expected: material.expected,
      unproven: unprovenOf(context),
    }),
    findings: findingsOf(material.verdicts),
    verdicts: material.verdicts,
    measurements: material.measurements,
    plans: material.plans,
    mutants: material.mutants,
    controls: material.controls,
    ...(material.generated === null ? {} : { generated: material.generated }),
    detector: { probes: material.probeProofs, build: readBuildState() },
    ...(material.servers.length === 0 ? {} : { servers: material.servers }),
    ...(material.search === null ? {} : { search: material.search }),
    timeline: material.timeline,
    environment: await readEnvironment(
      open.died() === null ? open.admin : null,
      open.serverVersion,
    ),
  }
  const rules = rulesFrom({
    failOn: settings.failOn,
    strict: settings.strict,
    allowPartial: settings.allowPartial,
    maxHardenedOverhead: settings.maxOverhead,
  })
  return { ...undecided, ...decide(undecided, rules) }
}

function addressOf({ material, open }: RunContext): string {
  const { length } = material.servers
  return length > 1 ? `${length} embedded servers` : open.server.label
}

function unprovenOf({ material }: RunContext): ReadonlySet<string> {
  return new Set(material.probeProofs.filter(({ proven }) => !proven).map(({ probe }) => probe))
}

function tenantRows({ open }: RunContext): Report['run']['tenants'] {
  const { plan } = open.site
  return plan.plannedTenants.map((tenant) => ({
    id: tenant.id,
    rows: services.reduce((sum, service) => {
      const tables = tablesOf(service)
      return (
        sum +
        tables.reduce(
          (rows, table) => rows + rowsPlanned(plan, table, { size: tenant.size, tables }),
          0,
        )
      )
    }, 0),
  }))
}

/** A pooler through which nothing was asked was not tested, however well it runs. */
function usedPoolers({ poolers, material }: RunContext): Coverage['poolers'] {
  const { verdicts, mutants } = material
  const tried = new Set([
    ...verdicts.filter(({ evidence }) => evidence.casesTried > 0).map(({ probe }) => probe),
    ...mutants.kills.map(({ probe }) => probe),
  ])
  return poolers.coverage.map((pooler) => {
    const need = pooler.title === driverPool.title ? 'pool' : 'pgbouncer'
    const isUsed = material.probes.some(
      ({ id, probe }) => tried.has(id) && probe.needs.includes(need),
    )
    return isUsed || !pooler.tested
      ? pooler
      : { ...pooler, tested: false, reason: 'no probe that was tried asks it', hint: null }
  })
}

function untestedPoolers(coverage: Coverage['poolers']): Coverage['untested'] {
  return coverage
    .filter(({ tested }) => !tested)
    .map(({ title, reason }) => ({ what: title, why: reason }))
}

function untestedAsWritten(context: RunContext): Coverage['untested'] {
  if (context.command !== 'run' || !context.settings.mode.includes('row-level-security')) return []
  const compared = asWrittenServices(context)
  return services
    .filter((service) => !compared.includes(service))
    .map((service) => ({
      what: `the seed document's SQL as written in ${service}`,
      why: 'it was left out by --quick',
    }))
}

function untestedModes(mode: readonly string[]): Coverage['untested'] {
  return ['row-level-security', 'schema-per-tenant']
    .filter((name) => !mode.includes(name))
    .map((name) => ({ what: name, why: 'it was left out with --mode' }))
}

/** The variant is shown for comparison: it leaks, and the grammar would only say so more often. */
function wideAsWritten({ worlds }: RunContext): Coverage['untested'] {
  if (!worlds.some(({ variant }) => variant === 'as-written')) return []
  return [
    {
      what: 'probes of hundreds of cells and of contexts in as-written worlds',
      why: 'that variant is reported for comparison and is not judged',
    },
  ]
}
