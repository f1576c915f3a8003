/** A server behind a slow line, for measuring how often a client waits for it: loopback hides round trips. */

import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { LOOPBACK } from '../server/free-port.ts'
import type { ServerAddress } from './server-address.ts'

export interface DistantServer extends AsyncDisposable {
  readonly address: ServerAddress
  /** How often a client spoke after it had been answered: 1 for statements that are sent together. */
  roundTrips(): number
}

/** Everything in either direction arrives later by `delayMs`; `to` is a TCP address. */
export async function distantServer(to: ServerAddress, delayMs: number): Promise<DistantServer> {
  const sockets = new Set<Socket>()
  const counter = { roundTrips: 0 }
  const server = createServer((near) => {
    const far = connect(to.port, to.host)
    let isAnswered = true
    for (const socket of [near, far]) {
      sockets.add(socket.setNoDelay(true))
      // A line that breaks ends both of its sides, and the driver says so.
      socket
        .on('error', () => undefined)
        .on('close', () => {
          near.destroy()
          far.destroy()
          sockets.delete(socket)
        })
    }
    near.on('data', (chunk) => {
      if (isAnswered) counter.roundTrips += 1
      isAnswered = false
      setTimeout(() => {
        far.write(chunk)
      }, delayMs)
    })
    far.on('data', (chunk) => {
      isAnswered = true
      setTimeout(() => {
        near.write(chunk)
      }, delayMs)
    })
  }).listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    address: { ...to, host: LOOPBACK, port },
    roundTrips: () => counter.roundTrips,
    [Symbol.asyncDispose]: () => closed(server, sockets),
  }
}

async function closed(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  await new Promise((resolve) => {
    server.close(resolve)
  })
}
