/** A finding of what the operator does, step by step: operations are run by the harness, so they are told. */

import type { Finding } from '../model/finding.ts'
import type { Step } from '../model/observation.ts'
import { shortened, visible } from './text.ts'

const rowsShown = 5

/** Plain text without control characters, whatever names and values are in it. */
export function renderOperationsTranscript(finding: Finding): string {
  const { steps, witness } = finding.counterexample
  return `${[
    `Finding ${finding.id} (${finding.severity}): ${finding.title}`,
    `Repeat it on databases of its own: npx watertight replay ${finding.id}`,
    `Why: ${finding.why}`,
    `Repair: ${finding.remedy}`,
    ...steps.flatMap(lines),
    '',
    'Rows that prove it, as seen when it was found:',
    ...witness.rows.slice(0, rowsShown).map((row) => `  ${JSON.stringify(row)}`),
  ]
    .map(visible)
    .join('\n')}\n`
}

function lines({ sql, role, observation }: Step): readonly string[] {
  const seen =
    observation.kind === 'rows'
      ? [
          `seen: ${observation.rows.length} rows`,
          ...observation.rows
            .slice(0, rowsShown)
            .map((row) => `  ${shortened(JSON.stringify(row), 400)}`),
        ]
      : [
          `seen: ${observation.kind} ${observation.sqlstate ?? ''} ${shortened(observation.message, 400)}`,
        ]
  return ['', `${role}:`, ...sql.split(/\r\n|\r|\n/).map((line) => `  ${line}`), ...seen]
}
