/** What is packed is unpacked, what is too much is cut and counted, and what is garbled is an error with its line. */

import { expect, test } from 'vitest'
import type { Attempt } from '../../model/observation.ts'
import type { ObservedCell } from '../../probe/ask.ts'
import { Packer, unpack, type CellLine } from './observations.ts'
import { observationsIn, readObservations } from './read-observations.ts'

function attemptOf(text: string, extra: object = {}): Attempt {
  const observation = { kind: 'rows', rows: [{ text }], affected: 1, truncated: false } as const
  const context = { kind: 'rows', rows: [], affected: null, truncated: false } as const
  return {
    steps: [
      { sql: 'SET LOCAL x = 1', role: 'context', observation: context },
      { sql: 'SELECT 1', role: 'attack', observation },
    ],
    backendPid: 7,
    ...extra,
  }
}

function cellOf(texts: readonly string[], hasFound = false): ObservedCell {
  const replay = { seed: 1, path: '0', replayPath: null }
  return {
    probe: 'p',
    world: 'isp/row-level-security/hardened',
    cell: { name: 't', path: 'SELECT', object: 't' },
    verdict: { object: 't', path: 'SELECT' },
    seen: {
      seed: 1,
      runs: texts.length,
      fixed: 0,
      examples: 0,
      privilege: 'granted',
      replaying: false,
      ofOneTenant: false,
      controls: [attemptOf('own')],
      cases: [
        { input: null, attempt: null, error: 'lost' },
        ...texts.map((text, input) => ({ input, attempt: attemptOf(text, { changes: [text] }) })),
      ],
      course: hasFound ? { replay, shrinks: 0, casesToWitness: 1, msToWitness: 1 } : null,
    },
  }
}

const hostile = ['plain', '"quotes"\n', '\u2028', '\ud800 alone', '{"kind":"cell"}', '\u0000']

test('a cell comes back as it was, whatever its texts; steps that repeat are kept once', () => {
  const cell = cellOf([...hostile, ...hostile])
  const line = new Packer().pack(cell)
  expect(line.split('\n')).toHaveLength(1)
  const packed = JSON.parse(line) as CellLine
  expect(packed.seen.steps).toHaveLength(2 + hostile.length)
  expect(unpack(packed)).toEqual({ ...cell, cut: 0 })
})

test('maps, sets and numbers that JSON does not have come back as they were', () => {
  const cell = cellOf(['a'])
  const extra = {
    truth: new Map([['a', { rows: 1, of: new Set(['x', null]) }]]),
    numbers: [Infinity, -Infinity, 10n ** 30n, 1.5],
    rows: [{ $map: 'a column', $set: 1 }, { $map: null }],
  }
  const cases = [{ input: extra, attempt: attemptOf('a', extra) }]
  const odd = { ...cell, seen: { ...cell.seen, cases } }
  const back = unpack(JSON.parse(new Packer().pack(odd)) as CellLine)
  expect(back.seen.cases).toEqual(cases)
})

test('what is too much for a cell or a run is cut and counted, never the witness', () => {
  const large = Array.from({ length: 30 }, (_, index) => String(index).repeat(40_000))
  const packer = new Packer()
  const kept = unpack(JSON.parse(packer.pack(cellOf(large))) as CellLine)
  expect(kept.cut).toBeGreaterThan(0)
  expect(kept.seen.cases.length + kept.seen.controls.length + kept.cut).toBe(30 + 2)
  const found = unpack(JSON.parse(packer.pack(cellOf(large, true))) as CellLine)
  expect(found.cut).toBeGreaterThan(0)
  expect(found.seen.cases.at(-1)?.input).toBe(29)
})

const header = JSON.stringify({ kind: 'observations', version: 1 })
const good = `${header}\n${new Packer().pack(cellOf(['a']))}\n`

test.each([
  ['nothing at all', '', 'Line 1 of f is no observation: it is cut off'],
  ['a line that is cut off', good.slice(0, -20), 'Line 2 of f is no observation: it is cut off'],
  ['a line that is garbled', good.replace('"probe"', 'probe'), 'Line 2 of f is no observation:'],
  ['a step that is missing', good.replace('"steps":[0,1]', '"steps":[0,9]'), 'it has no step 9'],
  [
    'a line of another kind',
    `${good}{"kind":"x"}\n`,
    'Line 3 of f is no observation: nothing is called "x"',
  ],
  ['null', `${good}null\n`, 'Line 3 of f is no observation'],
  ['an empty line', `${good}\n`, 'Line 3 of f is no observation'],
  ['no first line', good.slice(header.length + 1), 'only the first line names the version'],
  ['a later version', good.replace('"version":1', '"version":2'), 'version 2 is not 1'],
  ['verdicts of an older version', '{"probe":"p","object":"t"}\n', 'only the first line names'],
])('%s is an error that names the line', (_, text, said) => {
  expect(() => observationsIn(text, 'f')).toThrow(said)
  expect(() => observationsIn(text, 'f')).toThrow(
    expect.objectContaining({ code: 'WATERTIGHT_BAD_OBSERVATIONS', exitCode: 2 }) as Error,
  )
})

test('a directory without observations is an error of its own', () => {
  expect(observationsIn(good, 'f').cells).toHaveLength(1)
  expect(() => readObservations('/no/such/run')).toThrow(
    expect.objectContaining({ code: 'WATERTIGHT_NO_OBSERVATIONS', exitCode: 2 }) as Error,
  )
})
