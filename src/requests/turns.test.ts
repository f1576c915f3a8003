import { expect, test } from 'vitest'
import { Turns } from './turns.ts'

/** Two requests of two calls each; what they did, in its order. */
async function played(choices: readonly number[]): Promise<string> {
  const turns = new Turns(choices, ['a', 'b'])
  const request = async () => {
    for (const label of ['one', 'two']) await turns.take(label, () => Promise.resolve())
  }
  await turns.all([request, request])
  return turns.timeline.map((line) => line.replace(/ .*: /, '')).join(' ')
}

test('choices decide who goes on, none means one request after the other, and they repeat exactly', async () => {
  expect(await played([])).toBe('0begins 0one 0two 1begins 1one 1two')
  expect(await played([0, 0, 1])).toBe('0begins 0one 1begins 1one 1two 0two')
  const inStep = '0begins 1begins 0one 1one 0two 1two'
  expect([await played([0, 1, 1, 1, 1]), await played([0, 1, 1, 1, 1])]).toEqual([inStep, inStep])
})

test('requests that wait for each other are an error, not a wait without end', async () => {
  const turns = new Turns([], ['a'])
  const stuck = () =>
    turns.take(
      'connects',
      () => Promise.resolve(),
      () => false,
    )
  await expect(turns.all([stuck])).rejects.toThrow(/wait for each other/)
})
