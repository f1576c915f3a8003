/** The parts of the detector (probes, mutants, controls) with their digests: what a build is held against. */

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export const manifestPath = 'fixtures/manifest.json'

const folders = ['suites', 'fixtures/mutants', 'fixtures/controls']

/** Line ends are a matter of the checkout. */
function digestOf(path) {
  const text = readFileSync(path, 'utf8').replaceAll('\r\n', '\n')
  return createHash('sha256').update(text).digest('hex').slice(0, 20)
}

function partsIn(root, folder, found = []) {
  if (!existsSync(join(root, folder))) return found
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) partsIn(root, path, found)
    else if (/\.(ts|sql)$/.test(path) && !/\.test\.ts$/.test(path)) found.push(path)
  }
  return found
}

/** Part (path without extension) to digest of its source, one line each, as it is committed. */
export function manifestText(root) {
  const entries = folders
    .flatMap((folder) => partsIn(root, folder))
    .sort()
    .map((path) => [path.replace(/\.\w+$/, ''), digestOf(join(root, path))])
  return `${JSON.stringify(Object.fromEntries(entries), null, 2)}\n`
}

/** Brings the committed manifest up to date; false when it was. */
export function writeManifest(root) {
  const [path, text] = [join(root, manifestPath), manifestText(root)]
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return false
  writeFileSync(path, text)
  return true
}

/** What was compiled from which source, so that a file changed afterwards is noticed. */
export function writeBuiltParts(root, outDir) {
  const sources = JSON.parse(manifestText(root))
  const entries = Object.entries(sources).flatMap(([part, source]) => {
    const output = join(outDir, `${part}.js`)
    return existsSync(output) ? [[part, { source, output: digestOf(output) }]] : []
  })
  writeFileSync(join(outDir, 'manifest.json'), JSON.stringify(Object.fromEntries(entries)))
}
