/**
 * Counterexamples of earlier runs, below the directory of the reports: what leaked once is tried first
 * of all. The file is small, sorted and meant to be committed.
 */

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { messageOf, WatertightError } from '../../errors.ts'
import type { Finding } from '../../model/finding.ts'
import { parseKnown, type KnownCounterexample } from '../store/known-counterexamples.ts'

/** Entries kept; the ones found longest ago go first. */
const entriesMax = 200

export type { KnownCounterexample }

/** Empty when there is no file. @throws WatertightError WATERTIGHT_BAD_CORPUS when it cannot be read. */
export function readCorpus(output: string): readonly KnownCounterexample[] {
  const path = pathOf(output)
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw unreadable(path, error)
  }
  try {
    return parseKnown(text)
  } catch (error) {
    throw unreadable(path, error)
  }
}

/**
 * Adds what a run found to what is known; nothing is forgotten because it leaks no more.
 * @throws WatertightError WATERTIGHT_CANNOT_WRITE.
 */
export function extendCorpus(output: string, findings: readonly Finding[], foundAt: Date): void {
  const found = findings.filter(
    ({ gating, basis, way, counterexample }) =>
      gating && basis === 'executed' && way !== 'server' && counterexample.steps.length > 0,
  )
  if (found.length === 0) return
  const entries = new Map(readCorpus(output).map((each) => [keyOf(each), each]))
  for (const finding of found) {
    const { probe, suite, object, command, world, counterexample } = finding
    const entry: KnownCounterexample = {
      probe,
      suite,
      service: world.service,
      tenancy: world.tenancy,
      object,
      command,
      replay: counterexample.replay,
      foundAt: foundAt.toISOString(),
    }
    entries.set(keyOf(entry), entry)
  }
  const kept = [...entries.values()]
    .sort((a, b) => (a.foundAt < b.foundAt ? 1 : -1))
    .slice(0, entriesMax)
  const counterexamples = kept.sort((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
  write(pathOf(output), `${JSON.stringify({ version: 1, counterexamples }, null, 2)}\n`)
}

function keyOf({ probe, tenancy, service, object, command }: KnownCounterexample): string {
  return [probe, tenancy, service, object, command].join('|')
}

function pathOf(output: string): string {
  return join(resolve(output), 'baseline', 'counterexamples.json')
}

/** Another run may do the same at the same time: readers see the old file or the new one. */
function write(path: string, content: string): void {
  try {
    mkdirSync(join(path, '..'), { recursive: true })
    const temporary = `${path}.${process.pid}.tmp`
    writeFileSync(temporary, content)
    renameSync(temporary, path)
  } catch (error) {
    throw new WatertightError(
      'WATERTIGHT_CANNOT_WRITE',
      `${path} cannot be written: ${messageOf(error)}`,
      { hint: 'Free space, or choose another directory with --output', cause: error },
    )
  }
}

function unreadable(path: string, error: unknown): WatertightError {
  const [why = ''] = messageOf(error).split('\n')
  return new WatertightError('WATERTIGHT_BAD_CORPUS', `${path} cannot be used: ${why}`, {
    hint: 'Restore the file, or remove it: known counterexamples are then not tried first',
    cause: error,
  })
}
