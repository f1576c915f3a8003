/** Mutants and controls: the shipped ones, and those of the user's own folder. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { basename, dirname, extname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf, WatertightError } from '../../errors.ts'
import type { ContextStrategy } from '../../model/context-strategy.ts'
import { services, tenancies, type Service, type TenancyName } from '../../model/tenancy.ts'
import type { OperationsBuild } from '../../reference/operations/operations.ts'
import type { ServiceBuild } from '../../reference/service/service-build.ts'
import { modulesIn, packageRoot } from '../../registry.ts'

export interface Mutant {
  /** File name without extension. */
  readonly id: string
  readonly title: string
  readonly expect: 'violated' | 'holds'
  readonly tenancy: TenancyName
  readonly service: Service
  /** SQL for the clone, run by the superuser; null where a strategy needs none. */
  readonly sql: string | null
  readonly strategy: ContextStrategy | null
  /** What answers over HTTP; null for the reference platform's service. */
  readonly http: ServiceBuild | null
  /** What the operator does; null for the reference platform's operations. */
  readonly operations: OperationsBuild | null
  /** Whose own mutant it is: `probe:`, or of a shipped file `<probe>--<defect>`; null asks all probes alike. */
  readonly probe: string | null
  /** True where a run proves its probe with this one rather than with another. */
  readonly first: boolean
  /** Id of the control that is the same shape without the defect; null when none is named. */
  readonly twin: string | null
  /** Class of fault, e.g. `R11`; null where the file names none, as controls do. */
  readonly class: string | null
  /** False when no executed attack can show the defect: only then a catalogue finding is a kill. */
  readonly attackable: boolean
  /** What it cannot be tried without. */
  readonly needs: 'pgbouncer' | null
  /** Tenant that must be among those of the run, because the defect lies in its name. */
  readonly tenant: string | null
  /** Version of the server whose own defect it is (15.1), or the first that can express it (16+); null for any. */
  readonly server: string | null
}

/** What a folder holds: mutants must be found, controls must stay silent. */
export type MutantKind = 'mutants' | 'controls'

/**
 * Reads a folder: `.sql` with front matter, `.mjs`, `.js` or `.ts` with a default export.
 * @throws WatertightError WATERTIGHT_BAD_MUTANT that lists every fault of the folder.
 */
export async function loadMutants(
  kind: MutantKind,
  directory: string | null,
): Promise<readonly Mutant[]> {
  const files = directory === null ? shippedFiles(kind) : ownFiles(resolve(directory))
  const faults: string[] = []
  const mutants: Mutant[] = []
  for (const path of files) {
    try {
      const mutant = extname(path) === '.sql' ? fromSql(path, kind) : await fromModule(path, kind)
      // Only in our own folder a name says something: the user's files are treated alike, whatever they are called.
      const probe = mutant.probe ?? (directory === null ? probeOf(mutant.id) : null)
      mutants.push({ ...mutant, probe })
    } catch (error) {
      faults.push(`${basename(path)}: ${messageOf(error)}`)
    }
  }
  if (faults.length > 0) {
    throw new WatertightError(
      'WATERTIGHT_BAD_MUTANT',
      `${faults.length} of ${files.length} ${kind} cannot be read: ${faults.join('; ')}`,
      {
        hint:
          'A .sql file begins with -- title:, -- tenancy:, -- database: and -- expect: lines; a module ' +
          'default-exports { title, expect } and one of strategy, service and operations',
      },
    )
  }
  return mutants
}

function shippedFiles(kind: MutantKind): readonly string[] {
  const folder = join(packageRoot(), 'fixtures', kind)
  const sql = existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.sql'))
        .map((name) => join(folder, name))
    : []
  return [...sql, ...modulesIn(`fixtures/${kind}`).map(({ path }) => path)].sort((a, b) =>
    basename(a) < basename(b) ? -1 : 1,
  )
}

function ownFiles(folder: string): readonly string[] {
  if (!existsSync(folder)) {
    throw new WatertightError('WATERTIGHT_BAD_MUTANT', `The folder ${folder} does not exist`, {
      hint: 'Name a folder with .sql files or modules',
    })
  }
  return readdirSync(folder)
    .filter(
      (name) => ['.sql', '.mjs', '.js', '.ts'].includes(extname(name)) && !name.endsWith('.d.ts'),
    )
    .sort()
    .map((name) => join(folder, name))
}

function fromSql(path: string, kind: MutantKind): Mutant {
  const sql = readFileSync(path, 'utf8')
  const lines = sql.matchAll(
    /^--\s*(title|class|tenancy|database|expect|attack|needs|tenant|server|probe|proof|twin)\s*:\s*(.*?)\s*$/gm,
  )
  const front = new Map([...lines].map(([, key, value]) => [key ?? '', value ?? '']))
  const one = <T extends string>(key: string, values: readonly T[], fallback: T): T => {
    const given = front.get(key)
    const found = given === undefined ? fallback : values.find((value) => value === given)
    if (found === undefined)
      throw new Error(`${key} is ${JSON.stringify(given)}, it must be one of ${values.join(', ')}`)
    return found
  }
  const id = basename(path, '.sql')
  const title = front.get('title')
  if (title === undefined || title === '') throw new Error('it has no -- title: line')
  return {
    id,
    title,
    sql,
    strategy: null,
    http: null,
    operations: null,
    probe: front.get('probe') ?? null,
    first: front.has('proof') && one<'first'>('proof', ['first'], 'first') === 'first',
    twin: front.get('twin') ?? null,
    expect: one('expect', ['violated', 'holds'], kind === 'mutants' ? 'violated' : 'holds'),
    tenancy: one('tenancy', tenancies, 'row-level-security'),
    service: one('database', services, 'isp'),
    class: front.get('class') ?? null,
    attackable: one('attack', ['possible', 'none'], 'possible') === 'possible',
    needs: front.has('needs') ? one<'pgbouncer'>('needs', ['pgbouncer'], 'pgbouncer') : null,
    tenant: front.get('tenant') ?? null,
    server: front.get('server') ?? null,
  }
}

async function fromModule(path: string, kind: MutantKind): Promise<Mutant> {
  const module = (await importModule(path)) as {
    default?: Partial<Omit<Mutant, 'service' | 'operations'>> & {
      readonly database?: string
      readonly service?: unknown
      readonly operations?: unknown
    }
  }
  const value = module.default
  const strategy = value?.strategy ?? null
  const http = typeof value?.service === 'function' ? (value.service as ServiceBuild) : null
  const operations =
    typeof value?.operations === 'function' ? (value.operations as OperationsBuild) : null
  const given = [
    typeof strategy?.withTenant === 'function',
    http !== null,
    operations !== null,
  ].filter(Boolean)
  if (value?.title === undefined || given.length !== 1) {
    throw new Error(
      'its default export is not { title, expect } with one of strategy: { title, withTenant }, ' +
        'service: (parts) => (request) => Response and operations: (reference) => ({ ... })',
    )
  }
  const id = basename(path, extname(path))
  const expect = value.expect ?? (kind === 'mutants' ? 'violated' : 'holds')
  if (expect !== 'violated' && expect !== 'holds')
    throw new Error('expect must be violated or holds')
  return {
    id,
    title: value.title,
    expect,
    sql: typeof value.sql === 'string' ? value.sql : null,
    probe: value.probe ?? null,
    first: value.first === true,
    twin: value.twin ?? null,
    http,
    operations,
    strategy:
      strategy === null
        ? null
        : {
            title: strategy.title ?? value.title,
            ...(strategy.clears === undefined ? {} : { clears: strategy.clears }),
            withTenant: (pool, tenant, work) => strategy.withTenant(pool, tenant, work),
          },
    tenancy: tenancies.find((name) => name === value.tenancy) ?? 'row-level-security',
    service: services.find((name) => name === value.database) ?? 'isp',
    class: value.class ?? null,
    attackable: true,
    needs: value.needs === 'pgbouncer' ? 'pgbouncer' : null,
    tenant: value.tenant ?? null,
    server: value.server ?? null,
  }
}

/** Node 20 cannot import TypeScript: it is transpiled into a sibling file for the moment of the import. */
async function importModule(path: string): Promise<unknown> {
  if (extname(path) !== '.ts' || import.meta.url.endsWith('.ts'))
    return import(/* @vite-ignore */ pathToFileURL(path).href)
  const { default: ts } = await import('typescript')
  const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 },
  })
  const sibling = join(dirname(path), `.${basename(path)}.${randomBytes(4).toString('hex')}.mjs`)
  writeFileSync(sibling, outputText)
  try {
    return await import(pathToFileURL(sibling).href)
  } finally {
    rmSync(sibling, { force: true })
  }
}

function probeOf(id: string): string | null {
  return /^(.+?)--/.exec(id)?.[1] ?? null
}
