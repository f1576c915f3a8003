/** The build knows what belongs to it: a copy with one file less, more or other says so. */

import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { packageRoot } from '../src/registry.ts'
import { manifestText, writeBuiltParts, writeManifest } from './manifest.mjs'
import { readBuildState } from '../src/run/proof/build-state.ts'

let root = ''

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'watertight-build-'))
  for (const [part, text] of [
    ['suites/isolation/one.ts', 'export default 1\n'],
    ['suites/isolation/two.ts', 'export default 2\n'],
    ['fixtures/mutants/one--open.sql', '-- title: x\n'],
    ['fixtures/mutants/two--open.ts', 'export default {}\n'],
    ['fixtures/controls/shape.sql', '-- title: y\n'],
    ['dist/suites/isolation/one.js', 'export default 1\n'],
    ['dist/suites/isolation/two.js', 'export default 2\n'],
    ['dist/fixtures/mutants/two--open.js', 'export default {}\n'],
  ] as const) {
    mkdirSync(join(root, part, '..'), { recursive: true })
    writeFileSync(join(root, part), text)
  }
  writeManifest(root)
  writeBuiltParts(root, join(root, 'dist'))
})
afterEach(() => {
  rmSync(root, { recursive: true })
})

const faults = (fromSource: boolean) => readBuildState({ root, fromSource }).faults

test.each([true, false])('what is as it was built has no fault (from source: %s)', (fromSource) => {
  expect(readBuildState({ root, fromSource })).toEqual({ faults: [], parts: 5 })
})

test('a suite file that is missing is named', () => {
  rmSync(join(root, 'suites/isolation/two.ts'))
  expect(faults(true)).toEqual(['suites/isolation/two is missing'])
  rmSync(join(root, 'dist/suites/isolation/two.js'))
  expect(faults(false)).toEqual(['suites/isolation/two is missing'])
})

test('a compiled file that was changed after the build is named', () => {
  writeFileSync(join(root, 'dist/suites/isolation/one.js'), 'export default 0\n')
  expect(faults(false)).toEqual(['suites/isolation/one is not what was built'])
})

test('a source that was edited and compiled again is named, until the manifest is written anew', () => {
  writeFileSync(join(root, 'suites/isolation/one.ts'), 'export default 0\n')
  writeBuiltParts(root, join(root, 'dist'))
  expect(faults(true)).toEqual(['suites/isolation/one is not what was built'])
  expect(faults(false)).toEqual(['suites/isolation/one is not what was built'])
  expect(writeManifest(root)).toBe(true)
  expect([faults(true), faults(false), writeManifest(root)]).toEqual([[], [], false])
})

test('mutants and controls that are missing, changed or added are named', () => {
  rmSync(join(root, 'fixtures/mutants/one--open.sql'))
  writeFileSync(join(root, 'fixtures/controls/shape.sql'), '-- title: z\n')
  writeFileSync(join(root, 'fixtures/controls/other.sql'), '-- title: y\n')
  expect(faults(false)).toEqual([
    'fixtures/mutants/one--open is missing',
    'fixtures/controls/shape is not what was built',
    'fixtures/controls/other was added',
  ])
})

test('without a manifest nothing is known', () => {
  rmSync(join(root, 'fixtures/manifest.json'))
  expect(faults(true)).toEqual(['the manifest of the build is missing'])
})

test('line ends of a checkout change nothing', () => {
  writeFileSync(join(root, 'fixtures/controls/shape.sql'), '-- title: y\r\n')
  expect(faults(true)).toEqual([])
})

test('the committed manifest is that of the checkout; where it was not, it is rewritten to be committed', () => {
  const here = packageRoot()
  const copy = join(root, 'copy')
  mkdirSync(join(copy, 'fixtures'), { recursive: true })
  for (const folder of ['suites', 'fixtures/mutants', 'fixtures/controls'])
    cpSync(join(here, folder), join(copy, folder), { recursive: true })
  expect(readdirSync(join(copy, 'fixtures')).sort()).toEqual(['controls', 'mutants'])
  expect(manifestText(copy)).toBe(manifestText(here))
  const wasOld = process.env['CI'] === undefined && writeManifest(here)
  expect(wasOld, 'fixtures/manifest.json was old and has been rewritten: commit it').toBe(false)
  expect(readBuildState({ root: here, fromSource: true }).faults).toEqual([])
})
