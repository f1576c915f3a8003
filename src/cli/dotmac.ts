/** `watertight dotmac`: the operations of the reference platform, each a file of src/cli/dotmac/. */

import type { Command } from 'commander'
import { addAudit } from './dotmac/audit.ts'
import { addBackup } from './dotmac/backup.ts'
import { addBench } from './dotmac/bench.ts'
import { addHealth } from './dotmac/health.ts'
import { addMetrics } from './dotmac/metrics.ts'
import { addMigrate } from './dotmac/migrate.ts'
import { addRecover } from './dotmac/recover.ts'
import { addRestore } from './dotmac/restore.ts'
import { addServe } from './dotmac/serve.ts'

/** Registers a command under `dotmac`; `finish` takes the exit code. */
export type AddOperation = (dotmac: Command, finish: (code: number) => void) => void

const operations: readonly AddOperation[] = [
  addMigrate,
  addServe,
  addHealth,
  addMetrics,
  addAudit,
  addBackup,
  addRestore,
  addRecover,
  addBench,
]

export function addDotmac(program: Command, finish: (code: number) => void): void {
  const dotmac = program
    .command('dotmac')
    .description(
      'operate the reference platform: migrate, serve, health, metrics, audit, backup, restore, recover',
    )
  for (const add of operations) add(dotmac, finish)
}
