/** The machine and the server a run was measured on. */

import { cpus, totalmem } from 'node:os'
import type { Environment } from '../../model/report.ts'
import type { Session } from '../../postgres/session/session.ts'

const settings = [
  'shared_buffers',
  'work_mem',
  'fsync',
  'synchronous_commit',
  'autovacuum',
  'jit',
  'max_connections',
  'random_page_cost',
]

export async function readEnvironment(
  admin: Session | null,
  serverVersion: string,
): Promise<Environment> {
  const sql = `SELECT name, current_setting(name) AS value FROM pg_settings
    WHERE name IN (${settings.map((name) => `'${name}'`).join(', ')}) ORDER BY name`
  // A server that goes away at the very end costs these lines, not the report.
  const seen = await admin?.observe({ sql, role: 'context' })
  const found = seen?.kind === 'rows' ? seen.rows : []
  return {
    node: process.versions.node,
    platform: `${process.platform} ${process.arch}`,
    cpus: cpus().length,
    cpuModel: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    serverVersion,
    serverSettings: Object.fromEntries(
      found.map((row) => [String(row['name']), String(row['value'])]),
    ),
    nodePeakRssBytes: process.resourceUsage().maxRSS * 1024,
  }
}
