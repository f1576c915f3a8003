/** A transcript shows the foreign row under psql, and no value of it becomes a command. */

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Finding } from '../model/finding.ts'
import type { Step } from '../model/observation.ts'
import { startEmbeddedServer, type EmbeddedServer } from '../postgres/server/server.ts'
import { leakingReport } from '../../fixtures/records/build.ts'
import { psqlHazard, quotedLiteral } from '../sql/psql-hazard.ts'
import { renderTranscript } from './transcript.ts'

const psql = ['/usr/bin/psql', '/usr/local/bin/psql', '/opt/homebrew/bin/psql'].find((path) =>
  existsSync(path),
)
if (psql === undefined) console.log('skipped: transcripts are not run, because no psql was found')

const run = promisify(execFile)
const evil = `globex'; \\! touch pwned \n\\! touch pwned\n\\q "`
const setup = `
CREATE ROLE app LOGIN;
CREATE DATABASE transcript_origin;
\\connect transcript_origin
CREATE TABLE isp_customers (id int, tenant_id text, email text);
INSERT INTO isp_customers VALUES (7, ${quotedLiteral(evil)}, 'maria@example.net');
GRANT SELECT, INSERT ON isp_customers TO app;
CREATE TABLE forbidden (note text);
`

describe.skipIf(psql === undefined)('under a real psql', { timeout: 60_000 }, () => {
  let server: EmbeddedServer
  let folder: string

  beforeAll(async () => {
    server = await startEmbeddedServer()
    folder = await mkdtemp(join(tmpdir(), 'watertight-transcript-'))
    await play(setup)
  }, 60_000)
  afterAll(async () => {
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  })

  /** Runs a script as superuser from the database `postgres`, in a folder of its own. */
  async function play(script: string, database = 'postgres'): Promise<string> {
    const { host, port, user, password } = server.address
    await writeFile(join(folder, 'script.sql'), script)
    const args = [
      '-X',
      '-h',
      host,
      '-p',
      String(port),
      '-U',
      user,
      '-d',
      database,
      '-f',
      'script.sql',
    ]
    const result = await run(psql ?? '', args, {
      cwd: folder,
      env: { ...process.env, PGPASSWORD: password ?? '' },
    }).catch((error: { stdout: string; stderr: string }) => error)
    expect(await readdir(folder)).toEqual(['script.sql'])
    return result.stdout + result.stderr
  }

  test('it connects to the database, repeats the attack as the application and prints the row', async () => {
    const out = await play(
      renderTranscript(
        finding([
          step(
            `SELECT set_config('app.current_tenant_id', ${quotedLiteral(evil)}, true)`,
            'context',
          ),
          step('SELECT current_user AS who, id, email FROM isp_customers', 'attack'),
        ]),
        { database: 'transcript_origin' },
      ),
    )
    expect(out).toMatch(/app\s+\|\s+7 \| maria@example\.net/)
    expect(out).not.toMatch(/ERROR|invalid command/)
  })

  test('it stays in a copy of the database that has another name', async () => {
    await play('CREATE DATABASE "the copy" TEMPLATE transcript_origin;')
    const out = await play(
      renderTranscript(
        finding([step('SELECT current_database() AS here, id FROM isp_customers', 'attack')]),
        { database: 'gone' },
      ),
      'the copy',
    )
    expect(out).toMatch(/the copy \|\s+7/)
  })

  test('it feeds COPY the same bytes', async () => {
    const copy: Step = {
      ...step('COPY isp_customers FROM STDIN', 'attack'),
      copyData: '8\tna\\\\ïve;\\t\t\\N\n',
    }
    const out = await play(
      renderTranscript(
        finding([
          copy,
          step(
            `SELECT id, tenant_id = ${quotedLiteral('na\\ïve;\t')} AS same FROM isp_customers WHERE id = 8`,
            'proof',
          ),
        ]),
        { database: 'transcript_origin' },
      ),
    )
    expect(out).toMatch(/8 \| t/)
  })

  test('the data of a refused COPY is never taken for commands', async () => {
    const copy: Step = {
      ...step('COPY forbidden FROM STDIN', 'attack'),
      copyData: '\\! touch pwned\n\\.\n\\! touch pwned\n',
    }
    const script = renderTranscript(finding([copy]), { database: 'transcript_origin' })
    expect(await play(script)).toMatch(/permission denied/)
    await play(script.replaceAll('ON_ERROR_STOP on', 'ON_ERROR_STOP off'))
  })

  test('hostile values in every comment and literal stay there', async () => {
    for (const each of leakingReport().findings) {
      const out = await play(
        renderTranscript({ ...each, title: evil, why: evil, remedy: evil }, { database: evil }),
      )
      expect(out).not.toMatch(/invalid command|unterminated/)
    }
  })

  test('a statement that psql would misread is shown and not run', async () => {
    const out = await play(
      renderTranscript(
        finding([
          step(`SELECT 1 \\! touch pwned`, 'attack'),
          step(`SELECT 'open`, 'attack'),
          step(`SELECT 1e'\\' ; \\! touch pwned '`, 'attack'),
          step(`SELECT 'after' AS still`, 'proof'),
        ]),
        { database: 'transcript_origin' },
      ),
    )
    expect(out).toMatch(/after/)
  })
})

test('psql hazards are told from harmless SQL', () => {
  for (const sql of [
    `SELECT 'a''b', E'a\\'b', "x""y", $$ \\! $$, $t$ ' $t$, a::text, x[1:2] -- c\n`,
    "SELECT /* a /* b */ ' */ 1",
    `SELECT date'2026-01-01', 1.5e3, $1, U&'abc'`,
    "SELECT 'ümläut 😀', größe",
  ]) {
    expect(psqlHazard(sql), sql).toBeNull()
  }
  for (const sql of [
    `SELECT '`,
    `SELECT 'a\\'`,
    `SELECT "`,
    'SELECT /* a',
    'SELECT 1 -- a',
    'SELECT \\q',
    'SELECT $a$ $b$',
    'SELECT :name',
    `SELECT :'name'`,
    `SELECT E'\\'`,
    `SELECT 1e'\\' \\q '`,
    `SELECT 😀e'\\' \\q '`,
    `SELECT date'\\' \\q '`,
  ]) {
    expect(psqlHazard(sql), sql).not.toBeNull()
  }
})

function step(sql: string, role: Step['role']): Step {
  return {
    sql,
    role,
    observation: { kind: 'rows', rows: [{ tenant_id: evil }], affected: 1, truncated: false },
  }
}

function finding(steps: readonly Step[]): Finding {
  const [first] = leakingReport().findings
  if (first === undefined) throw new Error('the record has no finding')
  return {
    ...first,
    title: `reads a row of ${evil}`,
    counterexample: {
      ...first.counterexample,
      steps,
      login: 'app',
      witness: { ...first.counterexample.witness, victim: evil, rows: [{ tenant_id: evil }] },
    },
  }
}
