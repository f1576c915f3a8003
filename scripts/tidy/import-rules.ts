/** Who may import whom: the table that keeps the corridor one-way and each package behind one door. */

import type { Import } from './import-list.ts'
import type { Fault, SourceTree, Unit } from './source-tree.ts'

const pure = ['model', 'sql', 'errors']
const base = [...pure, 'registry', 'short-hash', 'postgres']
const acting = [...base, 'judge', 'target', 'world']
const engine = [...acting, 'probe', 'attack', 'requests', 'gauge', 'load']
const everything = [...engine, 'dotmac', 'reference', 'report', 'gate', 'config']

/** Folder or file of src/ -> the others it may import. Itself is always allowed. */
const table: Readonly<Record<string, readonly string[]>> = {
  model: [],
  sql: [],
  'short-hash': [],
  errors: ['model'],
  registry: pure,
  config: [...pure, 'registry', 'gate'], // gate: the rules are the vocabulary of --fail-on and --strict
  judge: pure,
  report: pure,
  gate: pure,
  postgres: [...pure, 'registry', 'short-hash'],
  dotmac: base,
  target: [...base, 'judge'],
  world: [...base, 'judge', 'target'],
  probe: acting,
  attack: [...acting, 'probe'],
  requests: [...acting, 'probe', 'attack'],
  gauge: [...acting, 'probe'],
  load: [...acting, 'probe'],
  reference: [...engine, 'dotmac'],
  run: everything,
  // the platform's own operations
  cli: [...pure, 'registry', 'run', 'probe', 'reference', 'config', 'gate', 'report', 'dotmac'],
  index: everything,
  testing: [...everything, 'run'],
}

/** Package -> the places that may import it; a package that is absent here has no door yet. */
const doors: Readonly<Record<string, readonly string[]>> = {
  pg: ['src/postgres/'],
  'pg-copy-streams': ['src/postgres/'],
  'pg-connection-string': ['src/postgres/'],
  'node:child_process': ['src/postgres/'],
  'fast-check': ['src/probe/', 'src/attack/', 'src/requests/', 'src/reference/', 'suites/'],
  tinybench: ['src/gauge/'],
  autocannon: ['src/load/'],
  'simple-statistics': ['src/judge/', 'src/gauge/'],
  'hdr-histogram-js': ['src/load/'],
  commander: ['src/cli/'],
  zod: ['src/config/', 'src/report/', 'src/run/store/'],
  preact: ['src/report/'],
  'preact-render-to-string': ['src/report/'],
  '@observablehq/plot': ['src/report/'],
  linkedom: ['src/report/'],
  postgrator: ['src/dotmac/'],
  jose: ['src/dotmac/', 'src/testing/service-on-trial.ts'],
  hono: ['src/dotmac/'],
  '@hono/node-server': ['src/dotmac/'],
  typescript: ['src/testing/', 'src/run/proof/', 'scripts/'],
}

/** Pure folders compute; they do not touch the machine. Hashing and text styling are computation. */
const pureFolders = ['model', 'judge', 'report', 'gate']
const computing = ['node:crypto', 'node:util']

/** Tests may reach further than what they test. */
export function importFaults(tree: SourceTree): readonly Fault[] {
  return tree.units
    .filter((unit) => !unit.isTest)
    .flatMap((unit) =>
      unit.imports.flatMap((one) => {
        const sentence = one.isRelative ? neighbourFault(unit, one) : packageFault(unit, one)
        return sentence === null
          ? []
          : [{ rule: 'imports', path: unit.path, line: one.line, sentence }]
      }),
    )
}

function neighbourFault({ path }: Unit, { target }: Import): string | null {
  const isFixtureModule = /^fixtures\/(mutants|controls)\//.test(path)
  if (/^suites\/[^/]+\//.test(path) || isFixtureModule) {
    return target === 'src/index.ts' ? null : `may import only src/index.ts, not ${target}`
  }
  const from = placeOf(path)
  if (from === null) return null
  const to = placeOf(target)
  if (to === from) return null
  const allowed = table[from]
  if (allowed === undefined)
    return `src/${from} has no row in the import table of scripts/tidy/import-rules.ts`
  return to !== null && allowed.includes(to) ? null : `src/${from} may not import ${target}`
}

function packageFault({ path }: Unit, { target }: Import): string | null {
  const place = placeOf(path) ?? ''
  if (
    target.startsWith('node:') &&
    pureFolders.includes(place) &&
    !(place !== 'model' && computing.includes(target))
  ) {
    return `src/${place} is pure and may not import ${target}`
  }
  const door = doors[target]
  if (door === undefined) {
    const isLibrary = path.startsWith('src/') && !target.startsWith('node:')
    if (isLibrary) return `${target} has no door in scripts/tidy/import-rules.ts`
    return path.startsWith('suites/')
      ? `suites import src/index.ts and fast-check, not ${target}`
      : null
  }
  if (path.startsWith('scripts/')) return null
  return door.some((folder) => path.startsWith(folder))
    ? null
    : `${target} is imported only in ${door.join(' and ')}`
}

/** Folder of src/, or the file's name for a file directly in it; null outside src/. */
function placeOf(path: string): string | null {
  const [top, place] = path.split('/')
  return top === 'src' && place !== undefined ? place.replace(/\.tsx?$/, '') : null
}
