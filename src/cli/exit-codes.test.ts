import { expect, test } from 'vitest'
import { main } from './main.ts'

test.each([
  ['an unknown flag', ['run', '--no-such-flag']],
  ['a number out of bounds', ['run', '--tenants', '1']],
  ['a text where a number is wanted', ['run', '--runs', 'many']],
  ['an unknown tenancy', ['verify', '--mode', 'none']],
  ['a DSN that is none', ['verify', '--target', 'nonsense', '-q']],
  [
    'a server that does not answer',
    ['verify', '--target', 'postgres://nobody@127.0.0.1:1/none', '-q'],
  ],
  ['a folder of mutants that does not exist', ['prove', '--mutants', '/no/such/folder', '-q']],
  ['a version that no embedded server has', ['prove', '--server', '18,13.1', '-q']],
  ['several servers where one is used', ['verify', '--server', '15.1,16.2', '-q']],
  [
    'an embedded and a named server',
    ['prove', '--server', '18', '--target', 'postgres://nobody@127.0.0.1:1', '-q'],
  ],
  ['a report that does not exist', ['check', '/no/such/run']],
])('%s ends with exit code 2: nothing was judged', async (_, argv) => {
  expect(await main(argv)).toBe(2)
})
