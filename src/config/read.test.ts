/** Flag before variable before file before default, with the origin of each; nonsense is refused by name. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { settingsOf } from './command-settings.ts'
import { printableEntries, readConfigFile, readSettings } from './read.ts'
import { definitions, quickDefaults } from './settings.ts'
import { variableOf } from './setting-names.ts'

const read = (sources: Partial<Parameters<typeof readSettings>[0]>) =>
  readSettings({ flags: {}, env: {}, file: {}, ...sources })

test('of a value that is given in several places the nearest counts, and its origin is kept', () => {
  const flags = { seed: '3' }
  const env = { WATERTIGHT_SEED: '2', WATERTIGHT_TENANTS: '9' }
  const file = { seed: 1, tenants: 7, rows: 11 }
  const { settings, entries } = read({ flags, env, file })
  expect([settings.seed, settings.tenants, settings.rows]).toEqual([3, 9, 11])
  const origins = ['seed', 'tenants', 'rows', 'runs'].map((name) => entries[name]?.origin)
  expect(origins).toEqual(['flag', 'env', 'file', 'default'])
  expect(Object.isFrozen(settings)).toBe(true)
})

test('every setting can be given by a variable of its own', () => {
  const variables = Object.values(definitions).map(variableOf)
  expect(new Set(variables).size).toBe(variables.length)
  for (const name of variables) expect(name).toMatch(/^WATERTIGHT_[A-Z_]+$/)
})

test('every setting is a flag of some command', () => {
  const offered = new Set(Object.values(settingsOf).flat())
  expect(Object.keys(definitions).filter((name) => !offered.has(name as never))).toEqual([])
})

test('--quick changes what nobody set, and nothing else', () => {
  const plain = read({}).settings
  const quick = read({ flags: { quick: true }, env: { WATERTIGHT_RUNS: '33' }, file: { rows: 77 } })
  expect(quick.settings).toEqual({ ...plain, quick: true, ...quickDefaults, runs: 33, rows: 77 })
})

test.each([
  ['a number that is none', { flags: { runs: 'many' } }, 'runs'],
  ['a number out of bounds', { env: { WATERTIGHT_TENANTS: '1' } }, 'WATERTIGHT_TENANTS'],
  ['a choice that there is not', { file: { mode: 'none' } }, 'mode in watertight.config.json'],
  ['a name that there is not', { file: { tennants: 3 } }, 'tennants'],
  ['a name of every object', { file: { constructor: 3 } }, 'constructor'],
])('%s is refused with its name', (_, sources, name) => {
  expect(() => read(sources)).toThrowError(
    expect.objectContaining({
      code: 'WATERTIGHT_BAD_SETTING',
      message: expect.stringContaining(name) as string,
    }) as Error,
  )
})

test('a file of settings holds one object, and a missing one holds none', () => {
  const folder = mkdtempSync(join(tmpdir(), 'watertight-config-'))
  onTestFinished(() => {
    rmSync(folder, { recursive: true })
  })
  const path = join(folder, 'watertight.config.json')
  expect(readConfigFile(path)).toEqual({})
  writeFileSync(path, '{ "runs": 5 }')
  expect(readConfigFile(path)).toEqual({ runs: 5 })
  for (const text of ['[1]', 'null', '7', '{ "runs": ', '']) {
    writeFileSync(path, text)
    expect(() => readConfigFile(path)).toThrowError(
      expect.objectContaining({ code: 'WATERTIGHT_BAD_CONFIG' }) as Error,
    )
  }
})

test('what is written down of a server names no password', () => {
  const { entries } = read({ flags: { target: 'postgres://me:secret@example.org/db' } })
  const printed = printableEntries(entries)
  expect(JSON.stringify(printed)).not.toContain('secret')
  expect(printed['target']?.origin).toBe('flag')
})
