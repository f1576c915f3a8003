/**
 * The proof of the controls: in a world where nobody reaches its own rows, no positive control may see one,
 * so that a control which always says yes is noticed in the run that relies on it.
 */

import { isPooled, wayOf } from '../../probe/way.ts'
import { messageOf } from '../../errors.ts'
import type { Attempt } from '../../model/observation.ts'
import type { CellVerdict } from '../../model/verdict.ts'
import type { Cell } from '../../probe/define.ts'
import { runProbe, type LoadedProbe, type RunSettings } from '../../probe/ask.ts'
import { ToolBox } from '../../probe/tools.ts'
import { poolerRigs } from '../../requests/tools.ts'
import type { OpenSite } from '../../reference/site/open-site.ts'
import { adminSession, cloneDatabase, dropDatabases } from '../../reference/site/provision.ts'
import { openWorld } from '../../reference/site/worlds.ts'
import { databaseName } from '../../reference/site/namespace.ts'
import type { World } from '../../world/world.ts'
import { templateName } from './clone-lane.ts'

/** Nobody but a superuser sees or writes a row: every right is there, and no row is reachable. */
const blindSql = `DO $blind$ DECLARE relation regclass; BEGIN
  FOR relation IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
  LOOP
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY', relation);
    EXECUTE format('CREATE POLICY watertight_blind ON %s AS RESTRICTIVE USING (false) WITH CHECK (false)',
      relation);
  END LOOP;
END $blind$`

const blindWorld = { service: 'isp', tenancy: 'row-level-security', variant: 'hardened' } as const
/** Paths of a probe at most; each form of a grammar has a control of its own. */
const pathsMax = 80

export interface BlindAnswer {
  /** Cells whose controls were tried and saw nothing. */
  readonly cells: number
  /** The first cell whose control said yes, as a sentence; null when there is none. */
  readonly liar: string | null
}

export interface BlindOptions {
  readonly probes: readonly LoadedProbe[]
  readonly search: RunSettings
  readonly statementTimeoutMs: number
}

/** What each probe says in a blind clone of the template, by its id; whoever has no controls is missing. */
export async function askBlindTwin(
  open: OpenSite,
  options: BlindOptions,
): Promise<ReadonlyMap<string, BlindAnswer>> {
  const database = `${databaseName(open.site.namespace, blindWorld)}_blind`
  open.databases.add(database)
  await using admin = await adminSession(open.site.address, open.maintenanceDatabase)
  await cloneDatabase(admin, open.site, { from: templateName(open.site, blindWorld), to: database })
  try {
    await blind(open, database)
    const { statementTimeoutMs } = options
    await using world = await openWorld(open.site, { id: blindWorld, database, statementTimeoutMs })
    return await answersOf(world, options)
  } finally {
    await dropDatabases(admin, [database])
  }
}

async function blind({ site }: OpenSite, database: string): Promise<void> {
  await using admin = await adminSession(site.address, database)
  await admin.query(blindSql)
}

async function answersOf(
  world: World,
  { probes, search }: BlindOptions,
): Promise<ReadonlyMap<string, BlindAnswer>> {
  const answers = new Map<string, BlindAnswer>()
  // A pgbouncer learns its databases before this one is made.
  const rigs = (search.tools?.get(poolerRigs) ?? []).filter(({ kind }) => kind === 'driver')
  const tools = new ToolBox().with(poolerRigs, rigs)
  for (const loaded of probes) {
    const blinded = loaded.probe.basis === 'catalogue' ? withoutCatalog(world) : world
    try {
      const { cells } = await runProbe(loaded, blinded, {
        ...search,
        tools,
        runs: 1,
        examplesMax: isPooled(wayOf(loaded.probe)) ? 0 : 1,
        controlTenantsMax: 1,
        chooseCells: (all) => onePerPath(all.filter((cell) => hangsOnRows(loaded, cell))),
      })
      const answer = answerOf(cells)
      if (answer !== null) answers.set(loaded.id, answer)
    } catch (error) {
      answers.set(loaded.id, { cells: 0, liar: messageOf(error) })
    }
  }
  return answers
}

/** What a function returns or a session shares need not be rows: only where it is, blindness says something. */
function hangsOnRows({ probe }: LoadedProbe, { object }: Cell): boolean {
  return object !== null || isPooled(wayOf(probe)) || probe.basis === 'catalogue'
}

/** A table with rows before a view: what is empty anyway proves nothing about a control. */
function onePerPath(cells: readonly Cell[]): readonly Cell[] {
  const rank = ({ object }: Cell) =>
    object === null
      ? 0
      : object.kind === 'materialized view'
        ? 2
        : (object.rowsTotal ?? 0) > 0
          ? 0
          : 1
  const byPath = new Map<string, Cell>()
  for (const cell of cells) {
    const before = byPath.get(cell.path)
    if (before === undefined || rank(cell) < rank(before)) byPath.set(cell.path, cell)
  }
  return [...byPath.values()].filter((cell) => rank(cell) < 2).slice(0, pathsMax)
}

/** A violation is no lie: some probes ask whether own rows are there, and here they are not. */
function saysYes({ outcome, evidence }: CellVerdict): boolean {
  if (evidence.controlsTried === 0 || outcome === 'violated' || outcome === 'inapplicable')
    return false
  return outcome === 'holds' || evidence.controlsSeen > 0
}

function answerOf(cells: readonly CellVerdict[]): BlindAnswer | null {
  const tried = cells.filter(({ evidence }) => evidence.controlsTried > 0)
  if (tried.length === 0) return null
  const liar = tried.find(saysYes)
  return {
    cells: tried.filter((cell) => !saysYes(cell)).length,
    liar: liar === undefined ? null : `${liar.object} (${liar.path}) is ${liar.outcome}`,
  }
}

/** The survey is the control of a catalogue probe: here the system tables answer nothing. */
function withoutCatalog(world: World): World {
  const look = (sql: string): Promise<Attempt> =>
    Promise.resolve({
      steps: [
        {
          sql,
          role: 'proof',
          observation: { kind: 'rows', rows: [], affected: null, truncated: false },
        },
      ],
      backendPid: null,
    })
  return new Proxy(world, {
    get: (target, key) => {
      if (key === 'look') return look
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
