import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { reportOf } from '../../testing/door.ts'

const deaf = {
  'no-grants': 'REVOKE ALL ON ALL TABLES IN SCHEMA public FROM dotmac_app;',
  'empty-table': 'TRUNCATE isp_customers CASCADE;',
  'timeout-of-1-ms': `ALTER ROLE dotmac_app SET statement_timeout = '1ms';`,
}

test('a database that cannot answer is no silent control: the reason names what is unknown', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'watertight-deaf-'))
  try {
    for (const [name, sql] of Object.entries(deaf)) {
      writeFileSync(join(folder, `${name}.sql`), `-- title: ${name}\n-- expect: holds\n${sql}\n`)
    }
    const { controls, verdict } = await reportOf('prove', { controls: folder })
    expect(controls.noisy.map(({ id }) => id).sort()).toEqual(Object.keys(deaf).sort())
    expect(controls.noisy.filter(({ reason }) => !reason.includes('is unknown'))).toEqual([])
    expect(verdict.exitCode).toBe(3)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}, 240_000)
