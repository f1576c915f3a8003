import { expect, test } from 'vitest'
import { clientAddress, trustedProxies } from './client-address.ts'

test('the client is the peer, unless the peer is a proxy that the operator named', () => {
  const none = trustedProxies([])
  const ours = trustedProxies(['10.0.0.0/8', '2001:db8::/32', '192.0.2.1'])
  const cases = [
    ['10.0.0.1', '203.0.113.9', none, '10.0.0.1'],
    ['10.0.0.1', '203.0.113.9', ours, '203.0.113.9'],
    ['::ffff:10.0.0.1', '203.0.113.9', ours, '203.0.113.9'],
    ['203.0.113.1', '203.0.113.9', ours, '203.0.113.1'],
    ['10.0.0.1', '198.51.100.1, 203.0.113.9, 2001:db8::1', ours, '203.0.113.9'],
    ['10.0.0.1', '10.0.0.2,10.0.0.3', ours, '10.0.0.2'],
    ['10.0.0.1', '203.0.113.9, nonsense', ours, '10.0.0.1'],
    ['10.0.0.1', '203.0.113.9, nonsense, 192.0.2.1', ours, '192.0.2.1'],
    ['10.0.0.1', undefined, ours, '10.0.0.1'],
    ['10.0.0.1', '', ours, '10.0.0.1'],
    ['fe80::1%eth0', undefined, none, 'fe80::1'],
    ['::ffff:203.0.113.5', undefined, none, '203.0.113.5'],
    [undefined, '203.0.113.9', ours, undefined],
  ] as const
  for (const [peer, forwarded, isTrusted, expected] of cases) {
    expect(clientAddress(peer, forwarded, isTrusted), `${peer} ${forwarded}`).toBe(expected)
  }
})

test.each(['', 'nonsense', '10.0.0.0/33', '::1/129', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1'])(
  'a proxy %j is refused',
  (text) => {
    expect(() => trustedProxies([text])).toThrow(
      expect.objectContaining({ code: 'WATERTIGHT_BAD_PROXY' }) as Error,
    )
  },
)
