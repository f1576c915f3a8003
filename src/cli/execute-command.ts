/** Runs a command that needs a server, and prints its result: data on stdout, progress on stderr. */

import { relative } from 'node:path'
import { printableEntries, readConfigFile, readSettings } from '../config/read.ts'
import type { Settings } from '../config/settings.ts'
import type { Report } from '../model/report.ts'
import { renderSummary } from '../report/console.ts'
import { renderJson } from '../report/json.ts'
import { execute } from '../run/execute.ts'
import { proveServers } from '../run/proof/prove-servers.ts'
import { loadProbes } from '../probe/load-probes.ts'
import type { ExecutedCommand } from './executed.ts'
import { interruptible } from './interrupt.ts'
import { progressOn } from './show-progress.ts'

export interface CommandOptions {
  readonly flags: Readonly<Record<string, unknown>>
  readonly json?: boolean
  readonly list?: boolean
  readonly quiet?: boolean
  readonly color: boolean
}

export async function executeCommand(
  command: ExecutedCommand,
  options: CommandOptions,
): Promise<number> {
  const { settings, entries } = readSettings({
    flags: options.flags,
    env: process.env,
    file: readConfigFile(),
  })
  if (options.list === true) {
    await print(await listOf(settings, options.json === true))
    return 0
  }
  using interrupt = interruptible(limitMs(command, settings))
  const display = options.quiet === true ? { done: () => {} } : progressOn(process.stderr)
  const walk = command === 'prove' && settings.server.length > 0 ? proveServers : execute
  const { report, directory } = await walk({
    command,
    settings,
    entries: printableEntries(entries),
    signal: interrupt.signal,
    interruptedBy: interrupt.cause,
    ...display,
  })
  display.done()
  if (options.json === true)
    await print(command === 'prove' ? scoreJson(report) : renderJson(report))
  else {
    await print(
      renderSummary(report, {
        color: options.color && process.stdout.isTTY && process.env['NO_COLOR'] === undefined,
        width: Math.min(process.stdout.columns > 0 ? process.stdout.columns : 80, 120),
        reportPath: `${relative(process.cwd(), directory.path) || directory.path}/report.html`,
      }),
    )
  }
  return report.verdict.exitCode
}

async function listOf({ grep }: Settings, asJson: boolean): Promise<string> {
  const listed = (await loadProbes(grep)).map(({ id, suite, probe }) => ({
    id,
    suite,
    claim: probe.claim,
    severity: probe.severity,
    needs: probe.needs,
  }))
  if (asJson) return JSON.stringify(listed, null, 2)
  return listed.map(({ id, suite, claim }) => `${suite}/${id}  ${claim}`).join('\n')
}

const defaultLimitMs = 3_600_000
/** A search that ends by its own budget still has to be judged and written down. */
const graceMs = 600_000

function limitMs(command: ExecutedCommand, { timeMs }: Settings): number {
  if (timeMs === null) return defaultLimitMs
  return command === 'verify' ? timeMs + graceMs : timeMs
}

/** The same objects as in report.json. */
function scoreJson({ mutants, controls, generated, servers }: Report): string {
  return JSON.stringify({ mutants, controls, generated, servers }, null, 2)
}

/** Waits until a pipe has taken everything; a reader that went away is no error of ours. */
function print(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') resolve()
      else reject(error)
    })
    process.stdout.write(text.endsWith('\n') ? text : `${text}\n`, () => {
      resolve()
    })
  })
}
