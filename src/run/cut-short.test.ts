import { expect, test } from 'vitest'
import { WatertightError } from '../errors.ts'
import { cutShortOf } from './cut-short.ts'

const withCode = (code: string, syscall?: string) =>
  Object.assign(new Error(code), { code, ...(syscall === undefined ? {} : { syscall }) })

test.each([
  ['a value that is not there', new TypeError('Cannot read properties of undefined'), 'bug'],
  ['what is no error at all', 'thrown', 'bug'],
  ['a text that speaks of a server', new Error('server died'), 'bug'],
  ['wrong SQL of ours', withCode('42601'), 'bug'],
  ['a server out of memory', withCode('53200'), 'server'],
  ['a server that shuts down', withCode('57P01'), 'server'],
  ['a connection that is reset', withCode('ECONNRESET', 'read'), 'server'],
  ['a full disk', withCode('ENOSPC', 'write'), 'error'],
  [
    'a full disk under the report',
    new WatertightError('WATERTIGHT_CANNOT_WRITE', 'no', {
      hint: '',
      cause: withCode('ENOSPC', 'write'),
    }),
    'error',
  ],
])('%s cuts a run short as what it is', (_, error, by) => {
  expect(cutShortOf(error, 'verify').by).toBe(by)
})
