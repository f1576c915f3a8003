/** The door for test runners: suites as values, on the reference platform, in a directory of their own. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { printableEntries, readSettings } from '../config/read.ts'
import type { Report } from '../model/report.ts'
import type { Command, ExecuteOptions } from '../run/running.ts'
import type { Executed } from '../run/conclude.ts'
import { execute } from '../run/execute.ts'

/** Runs a command with --quick, --allow-partial and the given flags, and returns its report; nothing stays on disk. */
export async function reportOf(
  command: Command,
  flags: Readonly<Record<string, unknown>> = {},
  events: Partial<ExecuteOptions> = {},
): Promise<Report> {
  const output = mkdtempSync(join(tmpdir(), 'watertight-door-'))
  try {
    return (await executedIn(output, { command, flags }, events)).report
  } finally {
    rmSync(output, { recursive: true, force: true })
  }
}

interface Execution {
  readonly command: Command
  readonly flags: Readonly<Record<string, unknown>>
}

/** The same with a run directory in a place of the test's own, which it removes. */
export function executedIn(
  output: string,
  { command, flags }: Execution,
  events: Partial<ExecuteOptions> = {},
): Promise<Executed> {
  const { settings, entries } = readSettings({
    flags: { quick: true, allowPartial: true, output, ...flags },
    env: {},
    file: {},
  })
  return execute({
    command,
    settings,
    entries: printableEntries(entries),
    signal: new AbortController().signal,
    interruptedBy: () => null,
    ...events,
  })
}

/** What keeps a suite from holding: one line per verdict; empty when every claim holds with evidence. */
export function complaintsOf({ verdicts, run }: Report): readonly string[] {
  const complaints = verdicts
    .filter(({ outcome }) => outcome !== 'holds' && outcome !== 'inapplicable')
    .map(
      ({ probe, database, outcome, reason }) => `${probe} in ${database} is ${outcome}: ${reason}`,
    )
  const held = verdicts.filter(({ outcome }) => outcome === 'holds').length
  const seed = `seed ${run.seed}`
  return held === 0
    ? [...complaints, `nothing holds (${seed})`]
    : complaints.map((each) => `${each} (${seed})`)
}
