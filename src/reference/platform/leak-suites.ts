/** The leak suites against databases that were recovered, not seeded: is what came back still isolated? */

import type { BackupPlatform } from '../../dotmac/backup/backup-platform.ts'
import { dropHeartbeatTable } from '../../dotmac/recovery/heartbeats.ts'
import { services } from '../../model/tenancy.ts'
import type { Verdict } from '../../model/verdict.ts'
import { runProbe, type LoadedProbe } from '../../probe/ask.ts'
import type { DrillPlatform } from './drill-platform.ts'
import { adminSession } from '../site/provision.ts'
import { quickLimits } from '../../probe/search-limits.ts'
import { loadProbes } from '../../probe/load-probes.ts'
import { openWorld } from '../site/worlds.ts'

export interface AskedSuites {
  /** Probes that judged something, over both databases. */
  readonly probes: number
  readonly cells: number
  readonly cases: number
}

export interface SuitesAnswer {
  readonly asked: AskedSuites
  /** A sentence for each violated probe, and for each that could not judge. */
  readonly faults: readonly string[]
}

const statementTimeoutMs = 10_000
/** Random cases per cell beside the fixed ones: those of a quick run's trials. */
const runs = 4

/**
 * Asks what `verify --quick` asks of the database itself: isolation and catalogue. Contexts and poolers belong to the
 * application, and the version of the server is not what a recovery brings back.
 */
export async function askLeakSuites(
  drill: DrillPlatform,
  platform: BackupPlatform,
): Promise<SuitesAnswer> {
  await drill.heartbeats.stop()
  const probes = (await loadProbes()).filter(
    ({ id, suite }) =>
      (suite === 'isolation' || suite === 'catalog') && (drill.probes?.includes(id) ?? true),
  )
  const verdicts: Verdict[] = []
  for (const service of services) {
    const site = { ...drill.site.site, address: platform.addresses[service] }
    const id = { service, tenancy: platform.tenancy, variant: 'hardened' } as const
    await using admin = await adminSession(site.address, platform.databases[service])
    // The heartbeats are the drill's own, and no part of the platform.
    await dropHeartbeatTable(admin)
    await using world = await openWorld(site, {
      id,
      database: platform.databases[service],
      statementTimeoutMs,
    })
    for (const probe of probes) verdicts.push(await ask(probe, world))
  }
  return answerOf(verdicts)
}

/** A database on which no attack was executed is a fault: silence is no proof, and neither is the catalogue. */
export function answerOf(verdicts: readonly Verdict[]): SuitesAnswer {
  const judged = verdicts.filter(({ cells }) => cells.length > 0)
  const casesIn = (list: readonly Verdict[]) =>
    list.reduce((sum, { evidence }) => sum + evidence.casesTried, 0)
  const executed = judged.filter(({ basis }) => basis === 'executed')
  const silent = services.filter(
    (service) => casesIn(executed.filter(({ world }) => world.service === service)) === 0,
  )
  return {
    asked: {
      probes: judged.length,
      cells: judged.reduce((sum, { cells }) => sum + cells.length, 0),
      cases: casesIn(judged),
    },
    faults: [
      ...silent.map((service) => `${service}: the leak suites attacked nothing`),
      ...verdicts.flatMap(faultOf),
    ],
  }
}

function ask(probe: LoadedProbe, world: Parameters<typeof runProbe>[1]): Promise<Verdict> {
  return runProbe(probe, world, { seed: 1, runs, claims: new Set(), timing: false, ...quickLimits })
}

function faultOf({ outcome, probe, world, reason }: Verdict): readonly string[] {
  if (outcome === 'holds' || outcome === 'inapplicable') return []
  return [`${world.service}, ${probe}: ${outcome}: ${reason}`]
}
