import { afterEach, beforeEach, expect, test } from 'vitest'
import { main } from './main.ts'

const write = process.stderr.write.bind(process.stderr)
let told = ''

beforeEach(() => {
  told = ''
  process.stderr.write = (text: string | Uint8Array) => {
    told += String(text)
    return true
  }
})
afterEach(() => {
  process.stderr.write = write
})

test.each([
  ['an unknown flag', ['run', '--no-such-flag'], "error: unknown option '--no-such-flag'"],
  ['a number out of bounds', ['run', '--tenants', '1'], 'BAD_SETTING: --tenants <n> cannot be "1"'],
  [
    'a text where a number is wanted',
    ['run', '--runs', 'many'],
    'BAD_SETTING: --runs <n> cannot be "many"',
  ],
  ['an unknown tenancy', ['verify', '--mode', 'none'], 'BAD_SETTING: --mode'],
  ['a DSN that is none', ['verify', '--target', 'nonsense', '-q'], 'BAD_TARGET: '],
  [
    'a server that does not answer',
    ['verify', '--target', 'postgres://nobody@127.0.0.1:1/none', '-q'],
    'UNREACHABLE: The role nobody cannot connect to 127.0.0.1:1/none',
  ],
  [
    'a folder of mutants that does not exist',
    ['prove', '--mutants', '/no/such/folder', '-q'],
    'BAD_MUTANT: The folder /no/such/folder does not exist',
  ],
  [
    'a version that no embedded server has',
    ['prove', '--server', '18,13.1', '-q'],
    'NO_BINARIES: "13.1" is no version',
  ],
  [
    'several servers where one is used',
    ['verify', '--server', '15.1,16.2', '-q'],
    'BAD_SETTING: --server names 2 versions',
  ],
  [
    'an embedded and a named server',
    ['prove', '--server', '18', '--target', 'postgres://nobody@127.0.0.1:1', '-q'],
    'BAD_SETTING: --server and --target were both given',
  ],
  ['a report that does not exist', ['check', '/no/such/run'], 'NO_REPORT: No report can be read'],
])('%s ends with exit code 2, and says why: nothing was judged', async (_, argv, why) => {
  expect([await main(argv), told]).toEqual([2, expect.stringContaining(why)])
})
