/** A finding over HTTP as a script of curl lines, for a service of the reader's own and a token of its issuer. */

import type { Finding } from '../model/finding.ts'
import type { Step } from '../model/observation.ts'
import { shortened, visible } from './text.ts'

const rowsShown = 5

/** No value can leave its quotes or its comment: requests were quoted when they were sent. */
export function renderShellTranscript(finding: Finding): string {
  const { steps, witness } = finding.counterexample
  return `${[
    '#!/bin/sh',
    comment(`Finding ${finding.id} (${finding.severity}): ${finding.title}`),
    comment(`Repeat it with a database of its own: npx watertight replay ${finding.id}`),
    comment(
      'Or against a service of yours: its address in SERVICE, and in TOKEN one as each line says',
    ),
    comment(`Why: ${finding.why}`),
    comment(`Repair: ${finding.remedy}`),
    '',
    ': "${SERVICE:?for example http://127.0.0.1:8080}" "${TOKEN:?}"',
    ...steps.flatMap(lines),
    '',
    comment('Rows that prove it, as seen when it was found:'),
    ...witness.rows.slice(0, rowsShown).map((row) => comment(`  ${JSON.stringify(row)}`)),
  ].join('\n')}\n`
}

function lines({ sql, role, observation }: Step): readonly string[] {
  // A line break inside quotes would be sent as it is; none is needed, so none is let through.
  const line = /[\r\n\0]/.test(sql) ? comment(`Not run, because it breaks the line: ${sql}`) : sql
  const seen =
    observation.kind === 'rows'
      ? observation.rows
          .slice(0, rowsShown)
          .map((row) => comment(`  ${shortened(JSON.stringify(row), 400)}`))
      : [
          comment(
            `  ${observation.kind} ${observation.sqlstate ?? ''} ${shortened(observation.message, 400)}`,
          ),
        ]
  return ['', comment(`${role}:`), line, ...seen]
}

function comment(text: string): string {
  return `# ${visible(text)}`
}
