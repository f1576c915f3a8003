import { expect, test } from 'vitest'
import { serviceHealth } from './service-health.ts'

test('a database that takes the question and never answers is down, and the operator is told', async () => {
  const faults: string[] = []
  const health = serviceHealth({
    reach: () => new Promise(() => undefined),
    timeoutMs: 20,
    onFault: (fault) => faults.push(String(fault)),
  })
  expect(await health()).toMatchObject({
    status: 'down',
    checks: [{ name: 'reachable', result: 'failed' }],
  })
  expect(faults).toEqual(['Error: The database did not answer within 20 ms'])
})
