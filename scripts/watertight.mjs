#!/usr/bin/env node
/** The command: plain JavaScript, so that it starts without a build and makes one when needed. */

import module from 'node:module'
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `watertight needs Node.js 20.19 or newer, this is ${process.versions.node}\n`,
  )
  process.exitCode = 2
} else {
  module.enableCompileCache?.() // Node 22.8 and newer: parsed code is kept between starts
  process.on('uncaughtException', (error) => {
    process.exit(bug(error))
  })
  // With nothing left to wait for and no answer yet, Node would end with 13 and say nothing.
  let isAnswered = false
  process.exitCode = 70
  process.on('exit', () => {
    if (!isAnswered && process.exitCode === 70)
      bug(new Error('The command ended before it had an answer'))
  })
  for (const stream of [process.stdout, process.stderr]) stream.on('error', ignoreClosedPipe)
  process.exitCode = await start()
  isAnswered = true
}

/** Exit codes as documented: 1 would claim a leak, so nothing that ends here may leave it to Node. */
async function start() {
  const { BuildError, ensureBuilt } = await import('./build.mjs')
  try {
    await ensureBuilt(fileURLToPath(new URL('..', import.meta.url)))
    const { main } = await import('../dist/src/cli/main.js')
    return await main(process.argv.slice(2))
  } catch (error) {
    if (error instanceof BuildError) {
      process.stderr.write(`WATERTIGHT_NOT_BUILT: ${error.message}\n  hint: ${error.hint}\n`)
      return 2
    }
    return bug(error)
  }
}

function bug(error) {
  process.stderr.write(`WATERTIGHT_BUG: ${error?.stack ?? error}\n`)
  return 70
}

/** `watertight run | head` still ends with the verdict's exit code. */
function ignoreClosedPipe(error) {
  if (error.code !== 'EPIPE') throw error
}
