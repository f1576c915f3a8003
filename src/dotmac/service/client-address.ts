/** Whose address stands in the audit trail: the peer's, or what a proxy says that the operator has named. */

import { BlockList, isIP } from 'node:net'
import { getConnInfo } from '@hono/node-server/conninfo'
import type { Context } from 'hono'
import { WatertightError } from '../../errors.ts'

/** Addresses of the operator's own proxies, each alone or as a network (10.0.0.0/8). */
export type TrustedProxies = (address: string) => boolean

/** @throws WatertightError WATERTIGHT_BAD_PROXY for what is neither an address nor a network. */
export function trustedProxies(list: readonly string[]): TrustedProxies {
  const trusted = new BlockList()
  for (const each of list) {
    const [, address = '', bits] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(each.trim()) ?? []
    const family = isIP(address)
    const most = family === 4 ? 32 : 128
    if (family === 0 || Number(bits ?? most) > most) {
      throw new WatertightError(
        'WATERTIGHT_BAD_PROXY',
        `${JSON.stringify(each)} is no address and no network`,
        { hint: 'Name proxies as 192.0.2.1 or 10.0.0.0/8' },
      )
    }
    trusted.addSubnet(address, Number(bits ?? most), family === 4 ? 'ipv4' : 'ipv6')
  }
  return (address) => trusted.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Read from its end, because whoever is not trusted may write anything at the beginning of X-Forwarded-For: the last
 * address that no trusted proxy has. A list that is broken there ends at the proxy that sent it.
 */
export function clientAddress(
  peer: string | undefined,
  forwarded: string | undefined,
  isTrusted: TrustedProxies,
): string | undefined {
  let client = plain(peer ?? '')
  for (const each of (forwarded ?? '').split(',').toReversed()) {
    const before = plain(each.trim())
    if (client === undefined || before === undefined || !isTrusted(client)) break
    client = before
  }
  return client
}

/** As inet takes it: without the zone of a link (fe80::1%eth0), and IPv4 as itself where a socket maps it. */
function plain(text: string): string | undefined {
  const [address = ''] = text.split('%')
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
  return isIP(mapped) === 0 ? undefined : mapped
}

export function clientOf(context: Context, isTrusted: TrustedProxies): string | undefined {
  let peer: string | undefined
  try {
    peer = getConnInfo(context).remote.address
  } catch {
    // Called without a socket, as app.request() does.
  }
  return clientAddress(peer, context.req.header('x-forwarded-for'), isTrusted)
}
