import { expect, test } from 'vitest'
import { backendIn } from './backend-in.ts'

test.each([[[]], [[{}]], [[{ pid: null }]], [[{ pid: 'none' }]], [[{ pid: '0' }]]])(
  'an answer %j names no backend, so it is no lane of a timeline',
  (rows) => {
    expect([backendIn(rows), backendIn([{ pid: '4711' }])]).toEqual([null, 4711])
  },
)
