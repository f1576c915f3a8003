/** The pool matrix as a probe: each cell is measured once, and judged against the rule that covers it. */

import { messageOf } from '../../errors.ts'
import type { Step } from '../../model/observation.ts'
import type { CellVerdict } from '../../model/verdict.ts'
import { literal } from '../../sql/identifier.ts'
import type { PgbouncerBinary } from '../../postgres/programs/pgbouncer.ts'
import type { Tenant } from '../../model/tenant.ts'
import {
  metaOf,
  type Cell,
  type Probe,
  type ProbeMeta,
  type SearchSettings,
} from '../../probe/define.ts'
import { ownedTables, targetOf } from '../../world/targets.ts'
import type { World } from '../../world/world.ts'
import { poolCells, type Ending, type PoolCell } from './cells.ts'
import { measure, type Measured, type Place } from './measure.ts'
import { expected } from './rules.ts'
import { matrixServers, strategiesOnTrial } from '../tools.ts'

/** One cell on one pooler binary; the driver's own pool has none. */
interface Placed {
  readonly cell: PoolCell
  readonly binary: PgbouncerBinary | null
}

export function definePoolMatrix(meta: ProbeMeta): Probe {
  return {
    ...metaOf({ ...meta, judgedWorldsOnly: true }),
    basis: 'executed',
    exhaustive: true,
    cells: (world, settings) => placedCells(world, settings).map((placed) => cellOf(placed)),
    search: async (world, cell, settings) => {
      const placed = placedCells(world, settings).find((each) => {
        const { name, path } = cellOf(each)
        return name === cell.name && path === cell.path
      })
      if (placed === undefined || settings.runs === 0)
        return verdictOf(cell, { outcome: 'unknown', reason: 'it was not asked' })
      return judge(world, cell, { placed, settings })
    },
  }
}

/** A quick run asks the endings that differ most; the table shows no others. */
const quickEndings: readonly Ending[] = ['commit', 'cursor']

/** One world of a target alone: what a pooler does depends on no table. */
function placedCells(world: World, settings: SearchSettings): readonly Placed[] {
  const binaries = settings.tools?.get(matrixServers)?.binaries ?? []
  if (!world.speaksFor.has('pooler') || settings.tools?.get(strategiesOnTrial) !== undefined)
    return []
  const quick = settings.examplesMax !== undefined
  const asked = poolCells(world.separatedBy).filter(
    ({ ending }) => !quick || quickEndings.includes(ending),
  )
  return asked.flatMap((cell): Placed[] =>
    cell.setup.kind === 'pg pool'
      ? [{ cell, binary: null }]
      : binaries.map((binary) => ({ cell, binary })),
  )
}

function cellOf({ cell: { setup, binding, ending }, binary }: Placed): Cell {
  const pooler =
    binary === null
      ? setup.kind
      : `${setup.kind.replace('pgbouncer', `pgbouncer ${binary.version}`)}`
  return { object: null, name: `${binding.title}, ${ending}`, path: `${pooler}: ${setup.title}` }
}

async function judge(
  world: World,
  cell: Cell,
  { placed, settings }: { readonly placed: Placed; readonly settings: SearchSettings },
): Promise<CellVerdict> {
  const measured = await measuredOnOneBackend(world, placed, settings)
  if (typeof measured === 'string')
    return verdictOf(cell, { outcome: 'inapplicable', reason: `unknown here: ${measured}` })
  if (measured instanceof Error) {
    return verdictOf(cell, {
      outcome: 'unknown',
      reason: `it could not be measured: ${measured.message}`,
    })
  }
  const rule = expected(placed.cell, {
    serverVersionNum: world.catalog.serverVersionNum,
    pgbouncerVersion: placed.binary?.version ?? null,
  })
  const reused = placed.cell.setup.onRelease !== 'end'
  if (
    rule.outcome !== 'no effect' &&
    measured.outcome !== 'leaks' &&
    reused &&
    measured.shared !== true
  ) {
    const learnt = [`backends ${measured.pids.join(' and ') || 'none'}`, ...measured.refusals].join(
      ', ',
    )
    return verdictOf(cell, {
      outcome: 'unknown',
      reason: `no backend provably served both requests (${learnt})`,
    })
  }
  const refused =
    measured.refusals.length === 0 ? '' : ` (refused: ${measured.refusals.join(', ')})`
  if (rule.outcome === measured.outcome && rule.again === measured.again) {
    const reason = `${measured.outcome}, as documented: ${rule.because}${refused}`
    return verdictOf(cell, { outcome: 'holds', reason, measured })
  }
  const wanted = [rule.outcome, ...(rule.again === undefined ? [] : [answerOf(rule.again)])].join(
    ' and ',
  )
  return violatedCell(cell, measured, {
    world,
    seed: settings.seed,
    rule: `${wanted}, because ${rule.because}`,
  })
}

function answerOf(again: string | null): string {
  return `its named statement ${again === null ? 'is answered' : `fails with ${again}`} in the next request`
}

const measurementsMax = 3

/** Poolers replace server connections when they like: a cell whose requests met two of them is asked again. */
async function measuredOnOneBackend(
  world: World,
  placed: Placed,
  settings: SearchSettings,
): Promise<Measured | string | Error> {
  for (let attempt = 1; ; attempt += 1) {
    const place = await placeOf(world, placed, settings)
    if (typeof place === 'string') return place
    try {
      const measured = await measure(placed.cell, place)
      await dropBackends(world, measured)
      const told =
        measured.shared === true ||
        measured.outcome === 'leaks' ||
        placed.cell.setup.onRelease === 'end'
      if (told || attempt === measurementsMax) return measured
    } catch (error) {
      if (attempt === measurementsMax) return new Error(messageOf(error))
    }
  }
}

async function placeOf(
  world: World,
  { cell, binary }: Placed,
  settings: SearchSettings,
): Promise<Place | string> {
  const tenant = world.tenants[0]
  if (tenant === undefined) return 'there is no tenant'
  const base = { world, tenant, probeSql: lookSql(world, cell, tenant) }
  if (binary === null) return { ...base, address: world.options.address, database: world.database }
  const opened =
    (await settings.tools?.get(matrixServers)?.open(binary, cell.setup, world.database)) ??
    'no pgbouncer was found'
  return typeof opened === 'string'
    ? opened
    : { ...base, address: opened.address, database: opened.alias }
}

/** The first row of the tenant that its context shows; for a search_path the path itself. */
function lookSql(world: World, { binding }: PoolCell, tenant: Tenant): string {
  if (binding.sets === 'search_path') {
    return `SELECT pg_backend_pid() AS pid, (SELECT ${literal(tenant.watermark)}
      WHERE strpos(current_setting('search_path'), ${literal(tenant.schema)}) > 0) AS context`
  }
  const object = ownedTables(world).find(
    (each) =>
      each.kind === 'table' &&
      each.samplesOf(tenant.id).length > 0 &&
      each.relationOf(tenant)?.applicationPrivileges.includes('SELECT') === true,
  )
  const target = object === undefined ? null : targetOf(object, tenant)
  if (target === null) throw new Error('no table has a readable row of the first tenant')
  return `SELECT pg_backend_pid() AS pid, t.tenant_id, t.id FROM (SELECT 1) one
    LEFT JOIN (SELECT tenant_id, id FROM ${target.address} WHERE tenant_id = ${literal(tenant.id)} LIMIT 1) t ON true`
}

/** The next cell must not meet this one's server connections. */
async function dropBackends({ admin }: World, { pids }: Measured): Promise<void> {
  if (pids.length === 0) return
  const sql = `SELECT pg_terminate_backend(pid) FROM unnest(ARRAY[${pids.join(', ')}]) pid WHERE pid IN
    (SELECT a.pid FROM pg_catalog.pg_stat_activity a WHERE a.backend_type = 'client backend')`
  await admin.observe({ role: 'context', sql })
}

const none = {
  casesAsked: 0,
  casesTried: 0,
  controlsTried: 0,
  controlsSeen: 0,
  refused: 0,
  indeterminate: 0,
  sharedBackends: null,
}

interface Conclusion {
  readonly outcome: CellVerdict['outcome']
  readonly reason: string
  readonly measured?: Measured
}

function verdictOf(cell: Cell, { outcome, reason, measured }: Conclusion): CellVerdict {
  const evidence =
    measured === undefined
      ? { ...none, casesAsked: outcome === 'unknown' ? 1 : 0 }
      : {
          ...none,
          casesAsked: 1,
          casesTried: 1,
          controlsTried: 1,
          controlsSeen: 1,
          refused: measured.refusals.length,
          // Where the connection was not to be used again there is nothing to prove.
          sharedBackends: measured.shared === true ? 1 : null,
        }
  return {
    object: cell.name,
    path: cell.path,
    outcome,
    reason,
    evidence,
    counterexample: null,
    indeterminate: [],
  }
}

interface Broken {
  readonly world: World
  readonly seed: number
  readonly rule: string
}

function violatedCell(cell: Cell, measured: Measured, { world, seed, rule }: Broken): CellVerdict {
  const found = measured.outcome === 'leaks' ? 'leaks' : `is ${measured.outcome}`
  const what = measured.again === undefined ? found : `${found} and ${answerOf(measured.again)}`
  const sentence = `${cell.name} on ${cell.path} ${what}, and the rule says: ${rule}`
  const steps = measured.log.map((entry): Step => ({
    sql: entry.sql,
    role: 'context',
    observation: entry.observation ?? { kind: 'rows', rows: [], affected: null, truncated: false },
  }))
  return {
    ...verdictOf(cell, { outcome: 'violated', reason: sentence, measured }),
    counterexample: {
      input: { cell: cell.name, pooler: cell.path },
      steps,
      shrinks: 0,
      casesToWitness: 1,
      msToWitness: 0,
      witness: {
        sentence,
        rows: [],
        victim: null,
        command: cell.path,
        severity: measured.outcome === 'leaks' ? 'critical' : 'medium',
      },
      replay: { seed, path: '0', replayPath: null },
      login: world.application,
    },
  }
}
