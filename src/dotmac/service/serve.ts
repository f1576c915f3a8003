/** The service on a port of this machine, with an end that lets requests finish. */

import { createServer, STATUS_CODES, type Server, type ServerResponse } from 'node:http'
import { getRequestListener, RequestError } from '@hono/node-server'
import { WatertightError } from '../../errors.ts'
import { headersOf, problemOf, problemResponse, type Problem } from './problem.ts'

export interface ServeOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** Default 127.0.0.1: whoever wants to be reached from outside says so. */
  readonly hostname?: string
  /** Ms after which close() cuts requests that still run, or that a client never ended. Default 10,000. */
  readonly drainMs?: number
}

/** A Hono application, or anything that answers requests; the second argument is the connection. */
export interface Servable {
  fetch(request: Request, connection?: object): Response | Promise<Response>
}

export interface RunningService extends AsyncDisposable {
  readonly port: number
  /** Takes no new requests and waits for those that run, for drainMs at most. */
  close(): Promise<void>
}

/** @throws WatertightError WATERTIGHT_PORT when the port cannot be had. */
export async function serveService(
  app: Servable,
  { port, hostname = '127.0.0.1', drainMs = 10_000 }: ServeOptions,
): Promise<RunningService> {
  const fetch = (request: Request, connection: object) => app.fetch(request, connection)
  const listener = getRequestListener(fetch, {
    errorHandler: (error) =>
      problemResponse(
        error instanceof RequestError ? unreadable('WATERTIGHT_BAD_REQUEST') : problemOf(error),
      ),
  })
  // A request without Host gets no empty 400 of Node's own: the listener refuses it.
  const server = createServer({ requireHostHeader: false }, (request, response) => {
    void listener(request, response)
  })
  answerUnreadable(server)
  // Of its own Node answers with nothing but the status.
  server.on('checkExpectation', (_request, response) => {
    refuseExpectation(response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      reject(
        new WatertightError('WATERTIGHT_PORT', `The service cannot listen on ${hostname}:${port}`, {
          hint: 'Take another port, or 0 for a free one',
          cause,
        }),
      )
    })
    server.listen(port, hostname, resolve)
  })
  const address = server.address()
  const close = () => drained(server, drainMs)
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A connection that is kept alive becomes idle when its request ends, so it is looked for again and again. */
async function drained(server: Server, drainMs: number): Promise<void> {
  const idle = setInterval(() => {
    server.closeIdleConnections()
  }, 50)
  const late = setTimeout(() => {
    server.closeAllConnections()
  }, drainMs)
  await new Promise<void>((resolve) =>
    server.close(() => {
      resolve()
    }),
  )
  clearInterval(idle)
  clearTimeout(late)
}

/** What never becomes a request is answered as a problem too: https://nodejs.org/api/http.html#event-clienterror */
function answerUnreadable(server: Server): void {
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    if (!socket.writable || error.code === 'ECONNRESET') {
      socket.destroy()
      return
    }
    const isLarge = error.code === 'HPE_HEADER_OVERFLOW'
    const problem = unreadable(isLarge ? 'WATERTIGHT_HEADERS' : 'WATERTIGHT_BAD_REQUEST')
    const body = JSON.stringify(problem)
    const headers = {
      ...headersOf(problem),
      'content-length': Buffer.byteLength(body),
      connection: 'close',
    }
    socket.end(
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}\r\n` +
        `${Object.entries(headers)
          .map(([name, value]) => `${name}: ${value}\r\n`)
          .join('')}\r\n${body}`,
    )
  })
}

/** https://www.rfc-editor.org/rfc/rfc9110#name-expect */
function refuseExpectation(response: ServerResponse): void {
  const problem = problemOf(
    new WatertightError('WATERTIGHT_EXPECTATION', 'The expectation cannot be met', {
      hint: 'Leave out Expect, or send 100-continue',
    }),
  )
  response
    .writeHead(problem.status, { ...headersOf(problem), connection: 'close' })
    .end(JSON.stringify(problem))
}

function unreadable(code: 'WATERTIGHT_HEADERS' | 'WATERTIGHT_BAD_REQUEST'): Problem {
  const sentence =
    code === 'WATERTIGHT_HEADERS'
      ? 'The headers are too large'
      : 'This is no HTTP request to be read'
  return problemOf(
    new WatertightError(code, sentence, { hint: 'Look at the request line and the headers' }),
  )
}
