/** The statements of an attempt as messages to the server: each costs both sides more than what is in it. */

import type { Observation, Statement, Step } from '../../model/observation.ts'

export const begin: Statement = { sql: 'BEGIN', role: 'context' }
export const rollback: Statement = { sql: 'ROLLBACK', role: 'context' }
/** Ends the transaction of the attempt before; what becomes of it says nothing of this one. */
export const rollbackBefore: Statement = { sql: 'ROLLBACK', role: 'context' }

export interface Message {
  readonly statement: Statement
  readonly parts: readonly Statement[]
}

/** Context statements in a row travel in one message: their rows are of no interest, their errors are. */
export function messagesOf(statements: readonly Statement[]): readonly Message[] {
  const messages: Message[] = []
  for (const statement of statements) {
    const last = messages.at(-1)
    if (statement.role === 'context' && last?.statement.role === 'context') {
      messages[messages.length - 1] = {
        statement: { sql: `${last.statement.sql}; ${statement.sql}`, role: 'context' },
        parts: [...last.parts, statement],
      }
    } else messages.push({ statement, parts: [statement] })
  }
  return messages
}

/**
 * BEGIN and ROLLBACK are part of every attempt and no step of their own, unless they fail. What an aborted
 * transaction did not execute (25P02) is no step either: it says nothing.
 */
export function stepsOf(
  parts: readonly Statement[],
  observation: Observation | undefined,
): readonly Step[] {
  if (observation === undefined) return []
  if (observation.kind === 'indeterminate' && observation.sqlstate === '25P02') return []
  return parts
    .filter((part) => part !== rollbackBefore)
    .filter((part) => (part !== begin && part !== rollback) || observation.kind !== 'rows')
    .map((part) => ({ ...part, observation }))
}
