/**
 * Fetches Debian 13's pgbouncer (1.24) with its libraries into the cache directory and prints the path
 * of a wrapper that runs it anywhere on Linux: newer settings are tried beside an older installed one.
 */

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

const release = 'trixie'
const packages = [
  'pgbouncer',
  'libc6',
  'libevent-2.1-7t64',
  'libssl3t64',
  'libcares2',
  'libpam0g',
  'libsystemd0',
  'libcap2',
  'libaudit1',
  'libcap-ng0',
  'libgcc-s1',
  'zlib1g',
  'libzstd1',
]
const keyring = '/usr/share/keyrings/debian-archive-keyring.gpg'
const mirror = process.env.DEBIAN_MIRROR || aptMirror()
const named = process.env.WATERTIGHT_CACHE_DIR
// The same directory in which the servers run: ours alone, and open to the user they run as.
const cache = named ? resolve(named) : join(tmpdir(), `watertight-${process.geteuid?.() ?? 'user'}`)
const home = join(cache, 'pgbouncer-fetched')
const wrapper = join(home, 'pgbouncer')

try {
  if (!works(wrapper)) install()
  console.log(wrapper)
} catch (error) {
  const said = String(error.stderr ?? '')
    .trim()
    .split('\n')
    .at(-1)
  console.error(`pgbouncer could not be fetched: ${said || error.message}`)
  process.exitCode = 1
}

function install() {
  if (process.platform !== 'linux') throw new Error('Debian packages run on Linux only')
  if (!mirror) throw new Error('apt has no Debian mirror here: name one with DEBIAN_MIRROR')
  for (const tool of ['apt-get', 'dpkg']) run(tool, ['--version'])
  if (!existsSync(keyring))
    throw new Error(`${keyring} is missing (package debian-archive-keyring)`)
  if (!existsSync(cache)) {
    mkdirSync(cache, { recursive: true })
    chmodSync(cache, process.geteuid() === 0 ? 0o711 : 0o700)
  }
  const work = mkdtempSync(`${home}.`)
  try {
    const root = join(work, 'root')
    for (const archive of download(join(work, 'apt'))) run('dpkg', ['-x', archive, root])
    rmSync(join(work, 'apt'), { recursive: true })
    writeFileSync(join(work, 'pgbouncer'), wrapperScript(root), { mode: 0o755 })
    for (const each of [work, root]) chmodSync(each, 0o755)
    if (!works(join(work, 'pgbouncer'))) throw new Error('the unpacked pgbouncer does not start')
    rmSync(home, { recursive: true, force: true })
    renameSync(work, home)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** The mirror that apt uses on this machine; nothing is named here, so that its settings stay its own. */
function aptMirror() {
  const folder = '/etc/apt/sources.list.d'
  const parts = existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
  const files = ['/etc/apt/sources.list', ...parts]
  const text = files
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'utf8'))
    .join('\n')
  return /^(?:URIs:|deb\s)[^#\n]*?(\w+:\/\/\S+\/debian)\/?(?=\s|$)/m.exec(text)?.[1]
}

/** apt's own client, in folders of its own: it checks the signature of the index and every SHA256 in it. */
function download(folder) {
  for (const each of ['lists/partial', 'cache/archives/partial', 'debs']) {
    mkdirSync(join(folder, each), { recursive: true })
  }
  writeFileSync(join(folder, 'status'), '')
  writeFileSync(
    join(folder, 'sources.list'),
    `deb [signed-by=${keyring}] ${mirror} ${release} main\n`,
  )
  const settings = join(folder, 'apt.conf')
  writeFileSync(
    settings,
    Object.entries({
      'Dir::Etc::sourcelist': join(folder, 'sources.list'),
      'Dir::Etc::sourceparts': '-',
      'Dir::State::lists': join(folder, 'lists'),
      'Dir::State::status': join(folder, 'status'),
      'Dir::Cache': join(folder, 'cache'),
      'APT::Sandbox::User': '',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '2',
      'Acquire::http::Timeout': '20',
      'APT::Update::Error-Mode': 'any',
    })
      .map(([key, value]) => `${key} "${value}";\n`)
      .join(''),
  )
  const options = { cwd: join(folder, 'debs'), env: { ...process.env, APT_CONFIG: settings } }
  run('apt-get', ['-q', 'update'], options)
  run('apt-get', ['-q', 'download', ...packages], options)
  return readdirSync(options.cwd).map((name) => join(options.cwd, name))
}

/** The machine's own C library may be older than Debian's, so its own loader starts the program. */
function wrapperScript(root) {
  const triplet = readdirSync(join(root, 'usr/lib')).find((name) => name.endsWith('-linux-gnu'))
  const libraries = `usr/lib/${triplet}`
  const loader = readdirSync(join(root, libraries)).find((name) =>
    /^ld-linux.*\.so\.\d+$/.test(name),
  )
  return `#!/bin/sh
root="$(dirname "$(readlink -f "$0")")/root"
exec "$root/${libraries}/${loader}" --library-path "$root/${libraries}" "$root/usr/sbin/pgbouncer" "$@"
`
}

function works(program) {
  try {
    return run(program, ['--version']).startsWith('PgBouncer')
  } catch {
    return false
  }
}

function run(program, args, options = {}) {
  return execFileSync(program, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
  })
}
