/** A finding as a script for psql, so that a reviewer sees the foreign row with his own eyes. */

import type { Finding } from '../model/finding.ts'
import type { Step } from '../model/observation.ts'
import { copyLines } from '../sql/copy-lines.ts'
import { psqlHazard, quotedIdentifier, quotedLiteral } from '../sql/psql-hazard.ts'
import { shortened, visible } from './text.ts'

export interface TranscriptOptions {
  /** Database in which the finding was made; a copy of it under another name serves as well. */
  readonly database: string
}

const rowsShown = 5

/** No value can leave its quotes or its comment; a statement psql would misread is only shown. */
export function renderTranscript(finding: Finding, { database }: TranscriptOptions): string {
  const { steps, witness, login } = finding.counterexample
  return `${[
    comment(`Finding ${finding.id} (${finding.severity}): ${finding.title}`),
    comment(
      `Repeat it as superuser${login === '' ? '' : ` or as the role ${login}`}; everything is rolled back:`,
    ),
    comment(`  psql -X -d ${database} -f ${finding.transcript ?? `${finding.id}.sql`}`),
    comment(`Why: ${finding.why}`),
    comment(`Repair: ${finding.remedy}`),
    '',
    '\\set ON_ERROR_STOP off',
    '\\encoding UTF8',
    ...connection(finding, database),
    '',
    ...(login === '' ? [] : [`SET SESSION AUTHORIZATION ${quotedIdentifier(login)};`]),
    ...transaction(steps, (step) => statement(step, witness.victim)),
    '',
    ...(login === '' ? [] : ['RESET SESSION AUTHORIZATION;']),
    comment('Rows that prove it, as seen when it was found:'),
    ...witness.rows.slice(0, rowsShown).map((row) => comment(`  ${JSON.stringify(row)}`)),
  ].join('\n')}\n`
}

/** Stays where it is when the object is here already: a copy under another name is as good. */
function connection(finding: Finding, database: string): string[] {
  const [, schema, name] = /^(?:([\p{L}\p{N}_$]+)\.)?([\p{L}\p{N}_$]+)$/u.exec(finding.object) ?? []
  const inSchema =
    schema === undefined
      ? ''
      : ` AND relnamespace = (
  SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = ${quotedLiteral(schema)})`
  const here =
    name === undefined
      ? `pg_catalog.current_database() = ${quotedLiteral(database)}`
      : `EXISTS (SELECT FROM pg_catalog.pg_class WHERE relname = ${quotedLiteral(name)}${inSchema})`
  // Only plain names are handed to \connect: it would read others as connection strings.
  const connect = /^[A-Za-z0-9_-]+$/.test(database)
    ? `\\connect "${database}"`
    : `\\warn 'Connect to the database of the first lines yourself.'`
  return [`SELECT ${here} AS here \\gset`, '\\if :here', '\\else', connect, '\\endif']
}

/** An attempt is one transaction whose BEGIN and ROLLBACK are no steps; others bring their own. */
function transaction(steps: readonly Step[], render: (step: Step) => string[]): string[] {
  const begins = /^\s*(begin|start\s+transaction)\b/i.test(steps[0]?.sql ?? '')
  const last = steps.findLast((step) =>
    /^\s*(begin|start|commit|end|rollback(?!\s+to)|abort)\b/i.test(step.sql),
  )
  const open = last === undefined || /^\s*(begin|start)\b/i.test(last.sql)
  return [...(begins ? [] : ['BEGIN;']), ...steps.flatMap(render), ...(open ? ['ROLLBACK;'] : [])]
}

function statement(step: Step, victim: string | null): string[] {
  const head = ['', comment(purpose(step, victim))]
  const hazard =
    psqlHazard(step.sql) ??
    (/\bcsv\b|\bbinary\b/i.test(step.sql) && step.copyData !== undefined
      ? 'its data is not in text format'
      : null)
  if (hazard !== null) {
    return [
      ...head,
      comment(`Not run, because ${hazard}:`),
      ...step.sql.split(/\r\n|\r|\n/).map((line) => comment(`  ${line}`)),
    ]
  }
  const sql = /;\s*$/.test(step.sql) ? step.sql : `${step.sql};`
  if (step.copyData === undefined) return [...head, sql, ...expected(step)]
  // psql would take the data for commands after a refused COPY, hence the stop; see copyLines too.
  return [
    ...head,
    '\\set ON_ERROR_STOP on',
    sql,
    ...copyLines(step.copyData),
    '\\.',
    '\\set ON_ERROR_STOP off',
    ...expected(step),
  ]
}

function purpose(step: Step, victim: string | null): string {
  const owner =
    victim === null ? 'that the tenant does not own' : `that belong to ${shortened(victim, 80)}`
  const purposes: Readonly<Record<Step['role'], string>> = {
    attack: `attack: this reaches rows ${owner}`,
    comparison: 'comparison: two answers that must not differ',
    control: 'control: the tenant’s own rows, which must be seen',
    proof: 'proof: what the attack left behind',
    context: 'context: the tenant enters',
  }
  return purposes[step.role]
}

function expected({ observation }: Step): string[] {
  if (observation.kind !== 'rows') {
    return [
      comment(`seen: ${observation.kind} ${observation.sqlstate ?? ''} ${observation.message}`),
    ]
  }
  const { rows, affected } = observation
  return [
    comment(
      `seen: ${rows.length} rows returned${affected === null ? '' : `, ${affected} affected`}`,
    ),
    ...rows.slice(0, rowsShown).map((row) => comment(`  ${shortened(JSON.stringify(row), 400)}`)),
  ]
}

/** One line whatever the text holds: line breaks and control characters are shown, not executed. */
function comment(text: string): string {
  return `-- ${visible(text)}`
}
