/** The bench stage: gauges on a database of their own, all variants on one backend. */

import { messageOf } from '../errors.ts'
import type { Gauge, GaugeResult } from '../gauge/define.ts'
import { buildSpeedDatabase } from '../reference/speed/speed-database.ts'
import { identifier } from '../sql/identifier.ts'
import { Session } from '../postgres/session/session.ts'
import { loadFolder } from '../registry.ts'
import type { RunContext } from './running.ts'
import { adminSession } from '../reference/site/provision.ts'
import { markScratch } from '../reference/site/scratch.ts'
import { secureDatabaseSql } from '../dotmac/roles.ts'

/** As-written counts read every row through a function: they get longer than an attack does. */
const statementTimeoutMs = 60_000

export async function benchStage(context: RunContext): Promise<string> {
  const { open, settings, material } = context
  const { site } = open
  const database = `${site.namespace.prefix}dotmac_speed`
  context.onProgress?.({ stage: 'bench', what: 'loading', done: 0, total: 1, cases: 0, leaks: 0 })
  open.databases.add(database)
  await open.admin.query(
    `CREATE DATABASE ${identifier(database)} TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C'`,
  )
  await markScratch(open.admin, site, database)
  await open.admin.query(secureDatabaseSql(database, site.namespace.roles))
  {
    await using admin = await adminSession(site.address, database)
    await buildSpeedDatabase(admin, {
      tenants: site.tenants,
      roles: site.namespace.roles,
      rows: settings.benchRows,
    })
  }
  material.databases.push(database)
  const gauges = await loadFolder('suites/speed', (value) => value as Gauge)
  const shares = gauges.reduce((sum, { value }) => sum + value.share, 0)
  for (const { id, value: gauge } of gauges) {
    const result = await measureSafely(context, {
      database,
      gauge,
      budgetMs: (settings.benchMs * gauge.share) / shares,
    })
    material.measurements.push(...result.measurements)
    material.plans.push(...result.plans)
    material.untested.push(...result.failures.map((why) => ({ what: `speed/${id}`, why })))
  }
  context.directory.writeJson('measurements.json', {
    measurements: material.measurements,
    plans: material.plans,
  })
  const violated = material.plans.filter(
    ({ outcome, variant }) => outcome === 'violated' && variant !== 'as-written',
  ).length
  return (
    `${material.measurements.length} ratios, ${material.plans.length} plans (${violated} judged ones ` +
    `without an index)`
  )
}

interface Measuring {
  readonly database: string
  readonly gauge: Gauge
  readonly budgetMs: number
}

/** A gauge has one backend of its own; a server that dies leaves its measurements missing. */
async function measureSafely(
  context: RunContext,
  { database, gauge, budgetMs }: Measuring,
): Promise<GaugeResult> {
  const { site, server } = context.open
  try {
    await using session = await Session.connect({
      address: site.address,
      database,
      statementTimeoutMs,
      pipeline: false,
      login: { user: site.namespace.roles.app, password: site.passwords.app },
    })
    let done = 0
    return await gauge.measure({
      session,
      tenants: site.tenants,
      roles: site.namespace.roles,
      seed: context.settings.seed,
      budgetMs,
      localBackend: server.kind === 'embedded' && process.platform === 'linux',
      signal: context.signal,
      onProgress: (what) => {
        context.onProgress?.({ stage: 'bench', what, done: done++, total: 5, cases: 0, leaks: 0 })
      },
    })
  } catch (error) {
    return { measurements: [], plans: [], failures: [messageOf(error)] }
  }
}
