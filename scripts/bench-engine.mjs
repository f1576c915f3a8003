#!/usr/bin/env node
// What an attempt costs: the engine, the bare driver pipelined, pgbench, and the naive form, side by side.

import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
execFileSync(process.execPath, [join(root, 'scripts', 'build.mjs')], {
  stdio: ['ignore', 'inherit', 'inherit'],
})
const { benchEngine } = await import(
  pathToFileURL(join(root, 'dist', 'src', 'run', 'bench-engine.js')).href
)
const rounds = Number(process.argv[2] ?? 7)
for await (const line of benchEngine({
  rounds: Number.isInteger(rounds) && rounds > 0 ? rounds : 7,
})) {
  process.stdout.write(`${line}\n`)
}
