/** Functions and procedures that the application may execute, and calls of them with values of any tenant. */

import type { FunctionEntry } from '../model/catalog.ts'
import type { Statement } from '../model/observation.ts'
import { identifier } from '../sql/identifier.ts'
import type { Scene } from '../probe/define.ts'
import type { World } from '../world/world.ts'
import { argumentLists } from './function-arguments.ts'

const uncallable = ['trigger', 'event_trigger', 'internal', 'cstring', 'language_handler']

/** Functions that the application may call; one schema stands for all tenants'. */
export function callableFunctions(world: World): readonly FunctionEntry[] {
  const own = new Set(world.tenants.slice(1).map((tenant) => tenant.schema))
  return world.catalog.functions.filter((entry) => !own.has(entry.schema) && isCallable(entry))
}

export function isCallable({ applicationMayExecute, kind, returnType }: FunctionEntry): boolean {
  return (
    applicationMayExecute &&
    ['function', 'procedure'].includes(kind) &&
    !uncallable.includes(returnType)
  )
}

export function functionSignature(entry: FunctionEntry): string {
  return `${entry.name}(${entry.argumentTypes.join(', ')})`
}

/** Whose values are passed. */
export interface Argument {
  readonly owner: string
  /** Which of the lists of arguments, the likeliest being 0; it wraps around. Default 0. */
  readonly choice?: number
  /** The function itself, where the name of the cell does not say in which schema it lies. */
  readonly entry?: FunctionEntry
}

/** The call with arguments of the given owner; a cell that is no function calls nothing. */
export function callFunction(
  { world, cell }: Scene,
  { owner, choice = 0, entry: given }: Argument,
  role: Statement['role'],
): Statement {
  const entry =
    given ?? callableFunctions(world).find((each) => functionSignature(each) === cell.name)
  if (entry === undefined) return { sql: 'SELECT 1 WHERE false', role }
  const lists = argumentLists(world, entry, { attacker: owner, victim: owner })
  return { sql: callSql(entry, lists[choice % Math.max(1, lists.length)] ?? ''), role }
}

export function callSql({ kind, schema, name }: FunctionEntry, given: string): string {
  const call = `${identifier(schema)}.${identifier(name)}(${given})`
  return kind === 'procedure' ? `CALL ${call}` : `SELECT * FROM ${call} LIMIT 200`
}

/** What failed is taken back, and the rest of the transaction goes on. */
const savepoint: Statement = { sql: 'SAVEPOINT call', role: 'context' }
const takenBack: Statement = { sql: 'ROLLBACK TO SAVEPOINT call', role: 'context' }

/** Many calls in one transaction, each as if it were the only one. */
export function callsApart(calls: readonly string[]): readonly Statement[] {
  return [
    savepoint,
    ...calls.flatMap((sql): Statement[] => [{ sql, role: 'comparison' }, takenBack]),
  ]
}

/** Many statements of a control: what succeeds counts as reached, what fails counts for nothing. */
export function callsReached(calls: readonly string[]): readonly Statement[] {
  return [
    savepoint,
    ...calls.flatMap((sql): Statement[] => [
      { sql, role: 'comparison' },
      // Skipped when the call was an error.
      { sql: 'SELECT 1 AS reached', role: 'control' },
      takenBack,
    ]),
  ]
}
