/** Free TCP ports of the loopback interface. Between asking and using one somebody else may take it. */

import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

export const LOOPBACK = '127.0.0.1'

export async function findFreePort(): Promise<number> {
  const server = createServer().listen(0, LOOPBACK)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Tells a start-up that lost the race for its port from one that failed for a reason of its own. */
export async function isPortTaken(port: number): Promise<boolean> {
  const server = createServer().listen(port, LOOPBACK)
  try {
    await once(server, 'listening')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return true
    throw error
  }
  await new Promise((resolve) => server.close(resolve))
  return false
}
