#!/usr/bin/env node
// Puts Debian 13's pgbouncer and its libraries into the cache, where the pool matrix finds it: Debian 12 ships a
// version without track_extra_parameters and max_prepared_statements. Nothing of the system is changed.

import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

const packages = ['pgbouncer', 'libc6', 'libevent-2.1-7t64', 'libssl3t64', 'libcares2', 'libpam0g', 'libsystemd0',
  'libcap2', 'libaudit1', 'libcap-ng0', 'zlib1g', 'libzstd1', 'libgcc-s1', 'liblzma5', 'liblz4-1', 'libgcrypt20',
  'libgpg-error0', 'libldap2', 'libsasl2-2']
const mirror = process.env.DEBIAN_MIRROR ?? 'http://deb.debian.org/debian'
const architecture = { x64: 'amd64', arm64: 'arm64' }[process.arch]
const cache = process.env.WATERTIGHT_CACHE_DIR ?? join(tmpdir(), `watertight-${process.getuid?.() ?? 0}`)
const target = join(cache, 'pgbouncer-fetched')

async function download(path) {
  const response = await fetch(`${mirror}/${path}`)
  if (!response.ok) throw new Error(`${mirror}/${path} answers ${response.status}`)
  return Buffer.from(await response.arrayBuffer())
}

async function index() {
  const text = gunzipSync(await download(`dists/trixie/main/binary-${architecture}/Packages.gz`)).toString('utf8')
  const field = (entry, name) => new RegExp(`^${name}: (.*)$`, 'm').exec(entry)?.[1]
  return new Map(text.split('\n\n').map((entry) =>
    [field(entry, 'Package'), { file: field(entry, 'Filename'), sha256: field(entry, 'SHA256') }]))
}

/** The dynamic loader of the unpacked C library, which knows nothing of the system's own. */
function loaderIn(root) {
  const folders = ['usr/lib64', `usr/lib/${architecture === 'amd64' ? 'x86_64' : 'aarch64'}-linux-gnu`, 'usr/lib', 'lib64']
  for (const folder of folders) {
    const found = existsSync(join(root, folder)) ? readdirSync(join(root, folder)).find((name) => /^ld-linux.*\.so/.test(name)) : undefined
    if (found !== undefined) return { loader: join(folder, found), libraries: folders[1] }
  }
  throw new Error('the C library has no loader where it should be')
}

if (existsSync(join(target, 'pgbouncer'))) {
  process.stdout.write(`${join(target, 'pgbouncer')}\n`)
} else {
  try {
    if (process.platform !== 'linux' || architecture === undefined) throw new Error('Debian packages run on linux, x64 or arm64')
    mkdirSync(cache, { recursive: true, mode: 0o711 })
    const known = await index()
    const work = mkdtempSync(join(cache, 'pgbouncer-fetching-'))
    for (const name of packages) {
      const { file, sha256 } = known.get(name) ?? {}
      if (file === undefined) throw new Error(`the index has no package ${name}`)
      const bytes = await download(file)
      if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw new Error(`${file} has another checksum`)
      writeFileSync(join(work, `${name}.deb`), bytes)
      execFileSync('dpkg', ['-x', join(work, `${name}.deb`), join(work, 'root')])
      rmSync(join(work, `${name}.deb`))
    }
    const { loader, libraries } = loaderIn(join(work, 'root'))
    const [root, wrapper] = [join(target, 'root'), join(work, 'pgbouncer')]
    writeFileSync(wrapper, `#!/bin/sh\nexec '${join(root, loader)}' --library-path '${join(root, libraries)}' '${join(root, 'usr/sbin/pgbouncer')}' "$@"\n`)
    for (const path of [work, wrapper]) chmodSync(path, 0o755)
    renameSync(work, target)
    process.stdout.write(execFileSync(join(target, 'pgbouncer'), ['--version']))
    process.stdout.write(`${join(target, 'pgbouncer')}\n`)
  } catch (error) {
    process.stderr.write(`pgbouncer could not be fetched: ${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  }
}
