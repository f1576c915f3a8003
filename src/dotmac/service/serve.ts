/** The service on a port of this machine, with an end that lets requests finish. */

import { serve, type ServerType } from '@hono/node-server'
import { WatertightError } from '../../errors.ts'

export interface ServeOptions {
  /** 0 takes a free one. */
  readonly port: number
  /** Default 127.0.0.1: whoever wants to be reached from outside says so. */
  readonly hostname?: string
}

/** A Hono application, or anything that answers requests; the second argument is the connection. */
export interface Servable {
  fetch(request: Request, connection?: object): Response | Promise<Response>
}

export interface RunningService extends AsyncDisposable {
  readonly port: number
  /** Takes no new requests and waits for those that run. */
  close(): Promise<void>
}

/** @throws WatertightError WATERTIGHT_PORT when the port cannot be had. */
export async function serveService(
  app: Servable, { port, hostname = '127.0.0.1' }: ServeOptions,
): Promise<RunningService> {
  const server = await new Promise<ServerType>((resolve, reject) => {
    const fetch = (request: Request, connection: object) => app.fetch(request, connection)
    const starting = serve({ fetch, port, hostname }, () => { resolve(starting) })
    starting.once('error', (cause) => {
      reject(new WatertightError('WATERTIGHT_PORT', `The service cannot listen on ${hostname}:${port}`, {
        hint: 'Take another port, or 0 for a free one', cause }))
    })
  })
  const address = server.address()
  const close = () => new Promise<void>((resolve) => {
    server.close(() => { resolve() })
    if ('closeIdleConnections' in server) server.closeIdleConnections()
  })
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close, [Symbol.asyncDispose]: close,
  }
}
