/** Calls of the functions and procedures that the application may execute, with arguments of any tenant. */

import type { FunctionEntry } from '../model/catalog.ts'
import type { Statement } from '../model/observation.ts'
import { identifier, literal } from '../sql/identifier.ts'
import type { Scene } from '../probe/define.ts'
import type { Tenant } from '../model/tenant.ts'
import { attackId } from './statements.ts'
import type { World } from '../world/world.ts'

const uncallable = ['trigger', 'event_trigger', 'internal', 'cstring', 'language_handler']

/** Functions that the application may call; one schema stands for all tenants'. */
export function callableFunctions(world: World): readonly FunctionEntry[] {
  const own = new Set(world.tenants.slice(1).map((tenant) => tenant.schema))
  return world.catalog.functions.filter((entry) => !own.has(entry.schema) && isCallable(entry))
}

/** Functions in schemas of tenants that their tenant may call. */
export function ownFunctions(world: World): readonly FunctionEntry[] {
  const schemas = new Set(world.tenants.map(({ schema }) => schema))
  return world.catalog.functions.filter((entry) => schemas.has(entry.schema) && isCallable(entry))
}

function isCallable({ applicationMayExecute, kind, returnType }: FunctionEntry): boolean {
  return (
    applicationMayExecute &&
    ['function', 'procedure'].includes(kind) &&
    !uncallable.includes(returnType)
  )
}

export function functionSignature(entry: FunctionEntry): string {
  return `${entry.name}(${entry.argumentTypes.join(', ')})`
}

/** Texts that a function may take for a pattern, a piece of SQL, or a name: what an attacker passes for text. */
export function hostileTexts({ id, schema, role, watermark }: Tenant): readonly string[] {
  return [id, schema, role, '%', `x' OR '1' = '1`, `%' OR true --`, watermark, `${schema}.`]
}

/** Whose values are passed. */
export interface Argument {
  /** For text arguments whose name says nothing. */
  readonly text: string
  readonly owner: string
  /** Passes the text for every text argument, whatever its name says. */
  readonly literally?: boolean
  /** Which of the values that fit an argument, from 0; it wraps around. Default 0. */
  readonly choice?: number
  /** The function itself, where the name of the cell does not say in which schema it lies. */
  readonly entry?: FunctionEntry
}

/** The call with arguments of the given owner; a cell that is no function calls nothing. */
export function callFunction(
  { world, cell }: Scene,
  argument: Argument,
  role: Statement['role'],
): Statement {
  const entry =
    argument.entry ?? callableFunctions(world).find((each) => functionSignature(each) === cell.name)
  if (entry === undefined) return { sql: 'SELECT 1 WHERE false', role }
  const schema =
    argument.entry === undefined && entry.schema === world.tenants[0]?.schema
      ? world.tenant(argument.owner).schema
      : entry.schema
  const given = entry.argumentTypes.map((type, index) =>
    valueFor(
      { type, index, name: entry.argumentNames[index] ?? '', source: entry.source },
      argument,
      world,
    ),
  )
  const call = `${identifier(schema)}.${identifier(entry.name)}(${given.join(', ')})`
  return {
    sql: entry.kind === 'procedure' ? `CALL ${call}` : `SELECT * FROM ${call} LIMIT 200`,
    role,
  }
}

/** Values that a text argument without a telling name is tried with. */
const textsMax = 24

function isText(type: string): boolean {
  return /^(text|character varying|character|name|citext)/.test(type)
}

interface Parameter {
  readonly type: string
  readonly name: string
  readonly index: number
  readonly source: string
}

function valueFor(parameter: Parameter, argument: Argument, world: World): string {
  const { type } = parameter
  // Ranges are usual: the first date lies before every row, later ones after.
  const date = parameter.index < 2 ? '1990-01-01' : '2090-01-01'
  if (type === 'date' || type.startsWith('timestamp')) return `'${date}'::${type}`
  if (type === 'boolean') return 'true'
  const known = sampleValues(parameter, argument, world)
  const value = known[(argument.choice ?? 0) % Math.max(1, known.length)]
  if (isText(type)) {
    return `${literal(argument.literally === true ? argument.text : (value ?? argument.text))}::${type}`
  }
  if (type === 'uuid') return `${literal(value ?? attackId)}::uuid`
  const isNumber = /^(integer|bigint|smallint|numeric|double precision|real)$/.test(type)
  if (isNumber) return `${literal(value ?? '1000')}::${type}`
  return `NULL::${type}`
}

/**
 * Values of the owner's sample rows in columns that are called like the parameter. When nothing is: ids, or the
 * texts of the tables that the function's source names.
 */
function sampleValues(
  { type, name, source }: Parameter,
  { owner, text }: Argument,
  world: World,
): readonly string[] {
  const stem = name
    .toLowerCase()
    .replace(/^(p|in|arg|v|_)_?/, '')
    .replace(/_?id$/, '')
  const rows = world.objects.flatMap((object) =>
    object
      .samplesOf(owner)
      .slice(0, 1)
      .map((row) => ({ object, row })),
  )
  const tenantLike = /tenant|org|account|company/.test(stem) && type !== 'uuid'
  if (tenantLike) return []
  const named = rows.flatMap(({ row }) =>
    Object.entries(row)
      .filter(
        ([column, value]) =>
          stem !== '' &&
          value !== null &&
          (column === stem || column === `${stem}_id` || column === name),
      )
      .map(([, value]) => String(value)),
  )
  if (type !== 'uuid' && (named.length > 0 || !isText(type))) return [...new Set(named)]
  if (type !== 'uuid') {
    const read = rows
      .filter(({ object }) => source.includes(object.name))
      .flatMap(({ row }) => Object.values(row))
    return [
      ...new Set([text, ...read.flatMap((value) => (typeof value === 'string' ? [value] : []))]),
    ].slice(0, textsMax)
  }
  const ofObject = rows
    .filter(({ object }) => stem !== '' && object.name.includes(stem))
    .map(({ row }) => row['id'])
  const ids = [...ofObject, ...named, ...rows.map(({ row }) => row['id'])]
  return [...new Set(ids.flatMap((id) => (typeof id === 'string' ? [id] : [])))]
}
