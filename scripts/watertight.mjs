#!/usr/bin/env node
/** The command: plain JavaScript, so that it starts without a build and makes one when needed. */

const [major, minor] = process.versions.node.split('.').map(Number)

if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(`watertight needs Node.js 20.19 or newer; this is ${process.versions.node}\n`)
  process.exitCode = 2
} else {
  process.exitCode = await start()
}

async function start() {
  const { default: module } = await import('node:module')
  module.enableCompileCache?.() // Node 22.8 and newer: parsed code is kept between starts
  const { BuildError, ensureBuilt } = await import('./build.mjs')
  const { fileURLToPath } = await import('node:url')
  try {
    await ensureBuilt(fileURLToPath(new URL('..', import.meta.url)))
  } catch (error) {
    process.stderr.write(error instanceof BuildError ? `watertight: ${error.message}\n${error.hint}\n` : `${error.stack}\n`)
    return error instanceof BuildError ? 2 : 70
  }
  try {
    const { main } = await import('../dist/src/cli/main.js')
    return await main(process.argv.slice(2))
  } catch (error) {
    process.stderr.write(`watertight: a bug in watertight\n${error?.stack ?? error}\n`)
    return 70
  }
}
