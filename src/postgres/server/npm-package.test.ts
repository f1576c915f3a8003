/** A downloaded archive is held against the digest of the registry a second time, after npm. */

import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { requireIntegrity } from './npm-package.ts'

let directory = ''
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'watertight-digest-'))
})
afterAll(async () => {
  await rm(directory, { recursive: true })
})

const digest = (text: string) => `sha512-${createHash('sha512').update(text).digest('base64')}`

test('the archive that the registry describes is accepted, one changed byte is not', async () => {
  const archive = join(directory, 'archive.tgz')
  await writeFile(archive, 'what was published')
  await expect(requireIntegrity(archive, digest('what was published'))).resolves.toBeUndefined()
  await expect(requireIntegrity(archive, digest('what was publisheD'))).rejects.toMatchObject({
    code: 'WATERTIGHT_BAD_DOWNLOAD',
  })
  await expect(requireIntegrity(archive, 'undefined')).rejects.toMatchObject({
    code: 'WATERTIGHT_BAD_DOWNLOAD',
  })
})
