import { connect } from 'node:net'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { serveService } from './serve.ts'

/** Sends the bytes and waits for the end of the connection. */
function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes)
    })
    let text = ''
    socket.on('data', (data) => {
      text += data.toString('latin1')
    })
    socket.on('error', () => undefined)
    socket.on('close', () => {
      resolve(text)
    })
  })
}

test('what is no HTTP request, or too large a one, is answered as a problem too', async () => {
  await using service = await serveService(new Hono(), { port: 0 })
  const cases = [
    ['nonsense\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400],
    ['GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: a\0b\r\n\r\n', 400],
    [`GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: ${'u'.repeat(100_000)}\r\n\r\n`, 431],
    ['GET / HTTP/1.1\r\nHost: x\r\nExpect: z\r\nConnection: close\r\n\r\n', 417],
    [
      'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
      400,
    ],
  ] as const
  for (const [bytes, status] of cases) {
    const [head = '', body = ''] = (await raw(service.port, bytes)).split('\r\n\r\n')
    expect(head.split(' ')[1], head).toBe(String(status))
    expect(head.toLowerCase()).toContain('content-type: application/problem+json')
    expect(body).toMatch(/"code":"WATERTIGHT_\w+"/)
  }
})

test('the end waits for requests that run, and not for clients that never end theirs', async () => {
  let started: () => void = () => undefined
  const running = new Promise<void>((resolve) => {
    started = resolve
  })
  const app = new Hono().get('/slow', async (context) => {
    started()
    await new Promise((resolve) => setTimeout(resolve, 300))
    return context.text('done')
  })
  const service = await serveService(app, { port: 0, drainMs: 2_000 })
  const slow = fetch(`http://127.0.0.1:${service.port}/slow`)
  const half = raw(service.port, 'GET /sl')
  const body = raw(service.port, 'POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{')
  await running
  const closed = service.close()
  expect(await (await slow).text()).toBe('done')
  const before = performance.now()
  await closed
  expect(performance.now() - before).toBeLessThan(4_000)
  await Promise.all([half, body])
  await expect(fetch(`http://127.0.0.1:${service.port}/slow`)).rejects.toThrow()
})
