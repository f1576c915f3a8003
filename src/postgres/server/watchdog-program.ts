/**
 * The program that outlives us. It is text because it must run under plain node, whether we were started
 * from TypeScript sources or from the build, and needs nothing but node itself.
 */

/**
 * Usage: node watchdog.cjs DIRECTORY, standard input held open by the owner. The line `released` lets it
 * go; the end of the input without it means the owner died: the server is stopped and DIRECTORY removed.
 * A process is signalled only when its command line names a path in DIRECTORY and its start time is the
 * recorded one, or, when the owner died before recording it, that of line 3 of postmaster.pid (within 5 s).
 */
export const WATCHDOG_PROGRAM = String.raw`'use strict'
const { existsSync, readFileSync, rmSync } = require('node:fs')
const { execFileSync } = require('node:child_process')
const { join, sep } = require('node:path')

const directory = process.argv[2]
const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

function readOrNull(path) {
  try { return readFileSync(path, 'utf8') } catch (error) {
    if (error.code === 'ENOENT' || error.code === 'ESRCH') return null
    throw error
  }
}

// Null: no such process, or only its zombie. startTime agrees with process-identity.ts.
function describe(pid) {
  if (process.platform === 'linux') return describeFromProc(pid)
  if (process.platform === 'win32') return describeFromPowerShell(pid)
  return describeFromPs(pid)
}

function describeFromProc(pid) {
  const stat = readOrNull('/proc/' + pid + '/stat')
  const command = readOrNull('/proc/' + pid + '/cmdline')
  const boot = readOrNull('/proc/stat')
  if (stat === null || command === null) return null
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  if ('ZX'.includes(fields[0])) return null
  const bootSeconds = Number(/^btime (\d+)$/m.exec(boot)[1])
  return { startTime: fields[19], epoch: bootSeconds + Number(fields[19]) / 100, command }
}

function describeFromPs(pid) {
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' }
  let text
  try {
    text = execFileSync('ps', ['-ww', '-o', 'state=,lstart=,command=', '-p', String(pid)], { env, encoding: 'utf8' })
  } catch (error) {
    if (error.status === 1) return null
    throw error
  }
  const [state, ...rest] = text.trim().split(/\s+/)
  if (!state || state.startsWith('Z')) return null
  const startTime = rest.slice(0, 5).join(' ')
  return { startTime, epoch: Date.parse(startTime + ' UTC') / 1000, command: text }
}

function describeFromPowerShell(pid) {
  const script = '$p = Get-CimInstance Win32_Process -Filter "ProcessId=' + pid + '"; if ($p) ' +
    '{ ([DateTimeOffset]$p.CreationDate).ToUnixTimeSeconds(); $p.CommandLine }'
  const text = execFileSync('powershell', ['-NoProfile', '-Command', script], { encoding: 'utf8' })
  if (text.trim() === '') return null
  const [epoch, ...command] = text.split(/\r?\n/)
  return { startTime: null, epoch: Number(epoch), command: command.join(' ') }
}

function readPostmaster(record) {
  const text = record.dataDirectory === null ? null : readOrNull(join(record.dataDirectory, 'postmaster.pid'))
  const lines = (text ?? '').split('\n')
  return lines.length < 3 || !(Number(lines[0]) > 0) ? null : { pid: Number(lines[0]), epoch: Number(lines[2]) }
}

function isOurs(record, target) {
  const found = describe(target.pid)
  if (found === null || !found.command.includes(record.directory + sep)) return false
  if (target.startTime != null) return found.startTime === target.startTime
  return Math.abs(found.epoch - target.epoch) <= 5
}

async function findTarget(record) {
  if (record.process !== null && isOurs(record, { epoch: NaN, ...record.process })) return record.process
  if (record.dataDirectory === null) return null
  // The owner may have died between starting the server and saying so: give the server time to sign in.
  for (let waited = 0; waited < 1500; waited += 50) {
    const found = readPostmaster(record)
    if (found !== null) return found
    await pause(50)
  }
  return null
}

async function stopServer(record) {
  const target = await findTarget(record)
  if (target === null) return
  for (const [signal, patienceMs] of record.shutdown) {
    if (!isOurs(record, target)) return
    try { process.kill(target.pid, signal) } catch (error) { if (error.code !== 'ESRCH') throw error }
    const deadline = Date.now() + patienceMs
    while (Date.now() < deadline && isOurs(record, target)) await pause(25)
  }
}

async function bury() {
  const text = readOrNull(join(directory, 'server.json'))
  if (text !== null) await stopServer(JSON.parse(text))
  // A copy that the owner had begun may still be writing into it.
  for (let waited = 0; !removed() && waited < 20000; waited += 250) await pause(250)
}

function removed() {
  try {
    rmSync(directory, { recursive: true, force: true, maxRetries: 3, retryDelay: 50 })
  } catch (error) {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  }
  return !existsSync(directory)
}

let released = false
let over = false
// A pipe tells its end by 'end', a broken one by 'close' alone, and /dev/null never closes.
function onInputOver() {
  if (over) return
  over = true
  if (released) process.exit(0)
  void bury()
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {})
process.stdin.on('data', (chunk) => { if (String(chunk).includes('released')) released = true })
process.stdin.on('error', onInputOver)
process.stdin.on('end', onInputOver)
process.stdin.on('close', onInputOver)
`
