/**
 * Servers with defects of their own. Old minors are not downloaded by a test: where the cache has none,
 * only the installed server is tried, and the skipped tests say which command fetches one.
 */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readSettings } from '../../config/read.ts'
import type { Report } from '../../model/report.ts'
import { cacheDirectory } from '../../postgres/server/cache-directory.ts'
import { cachedMinors } from '../../postgres/server/old-minors.ts'
import { unprivilegedUser } from '../../postgres/server/run-as.ts'
import { proveServers } from './prove-servers.ts'

const folder = mkdtempSync(join(tmpdir(), 'watertight-servers-'))
const empty = join(folder, 'empty')
mkdirSync(empty)
afterAll(() => {
  rmSync(folder, { recursive: true })
})

const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
const cached = await cachedMinors(await cacheDirectory(await unprivilegedUser()), platform)

/** Without planted mutants, unless a folder is given: what a server has of its own is enough to look at. */
async function proofOf(server: string, mutants = empty): Promise<Report> {
  const { settings, entries } = readSettings({
    flags: { quick: true, mode: 'rls', output: folder, mutants, controls: empty, server },
    env: {},
    file: {},
  })
  const { report } = await proveServers({
    command: 'prove',
    settings,
    entries,
    signal: new AbortController().signal,
    interruptedBy: () => null,
  })
  return report
}

const caughtOn = ({ servers = [] }: Report, version: string) =>
  (servers.find((each) => each.version === version)?.defects ?? [])
    .filter(({ seen }) => seen === 'caught')
    .map(({ id, path }) => `${id} ${path ?? ''}`)

test('the installed server shows the one defect it is known to have', async () => {
  const report = await proofOf('18')
  const [server] = report.servers ?? []
  expect(caughtOn(report, server?.version ?? '')).toEqual(['CVE-2026-120154 ON CONFLICT'])
  expect([report.mutants.killed, report.mutants.survived, report.controls.noisy]).toEqual([
    1,
    [],
    [],
  ])
  expect(report.verdict.exitCode).toBe(0)
}, 120_000)

const [before, after] = ['15.3', '15.4']
const lacking = [before, after].filter((version) => !cached.includes(version))
const why =
  lacking.length === 0 ? '' : ` (skipped: run watertight prove --server ${lacking.join(',')} once)`

const behaviour = `MERGE is caught and named on ${before}, and neither on ${after}${why}`

test.skipIf(lacking.length > 0)(
  behaviour,
  async () => {
    const report = await proofOf(`${before},${after}`)
    expect(caughtOn(report, before)).toContain('CVE-2023-39418 MERGE')
    expect(caughtOn(report, after)).not.toContain('CVE-2023-39418 MERGE')
    expect(caughtOn(report, after)).toContain('CVE-2024-10976 WITH')
    const named = report.findings
      .filter(({ probe }) => probe === 'known-defects')
      .map(({ object }) => object)
    expect(named).toContain(`CVE-2023-39418 on ${before}`)
    expect(named).not.toContain(`CVE-2023-39418 on ${after}`)
    expect(report.target.serverVersion).toBe(`${before}, ${after}`)
    expect([report.mutants.survived, report.controls.noisy, report.verdict.exitCode]).toEqual([
      [],
      [],
      0,
    ])
  },
  240_000,
)

test.skipIf(lacking.length > 0)(
  `a defect of ${before} itself kills no planted mutant${why}`,
  async () => {
    const mutants = join(folder, 'harmless')
    mkdirSync(mutants)
    writeFileSync(join(mutants, 'nothing.sql'), '-- title: Nothing is changed\nSELECT 1;\n')
    writeFileSync(
      join(mutants, 'newer.sql'),
      '-- title: Another server\n-- server: 16+\nSELECT 1;\n',
    )
    const { mutants: score, coverage, verdict } = await proofOf(before, mutants)
    expect(score.survived.map(({ id }) => id)).toEqual([`nothing on ${before}`])
    expect(coverage.untested).toContainEqual({
      what: `mutant newer on ${before}`,
      why: 'it needs server 16+',
    })
    expect(verdict.exitCode).toBe(3)
  },
  240_000,
)
