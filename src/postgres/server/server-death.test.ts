/** A server that dies in the middle of a run must be noticed; silence would look like isolation. */

import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { startEmbeddedServer } from './server.ts'

test('a server that is killed is reported as an unexpected exit and is still cleaned up', async () => {
  const server = await startEmbeddedServer()
  process.kill(server.pid, 'SIGQUIT')
  const exit = await server.exited
  expect(exit.expected).toBe(false)
  expect(exit.log.join('\n')).toContain('received immediate shutdown request')
  await server.stop()
  expect(existsSync(server.directory)).toBe(false)
}, 60_000)
