#!/usr/bin/env node
// The command. It builds on demand, so that it works right after `npm ci`, with or without install scripts.

import module from 'node:module'

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`watertight needs Node.js 20.19 or newer, this is ${process.versions.node}\n`)
  process.exit(2)
}
module.enableCompileCache?.()

const { ensureBuilt } = await import('./build.mjs')
try {
  ensureBuilt({ announce: () => { process.stderr.write('building watertight (first run, or sources changed)...\n') } })
} catch (error) {
  process.stderr.write(`WATERTIGHT_NOT_BUILT: watertight cannot be built here: ${error.message}\n` +
    '  hint: run `npm ci` in the checkout with an account that may write to it\n')
  process.exit(2)
}
const { main } = await import('../dist/src/cli/main.js')
process.exitCode = await main(process.argv.slice(2))
