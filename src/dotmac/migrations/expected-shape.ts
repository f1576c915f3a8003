/** What the migrations themselves make of a tenant's schema: made, looked at and undone. */

import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Session } from '../../postgres/session/session.ts'
import type { Expected } from './drift.ts'
import { filled } from './fill.ts'
import { migrationFiles } from './files.ts'
import { locked } from './lock.ts'
import { tenantFolder, tenantPlace, type PlaceOptions } from './places.ts'
import { runGuarded } from './run-guards.ts'
import { linesOf, shapesOf } from './shape.ts'

export interface ExpectedOptions extends PlaceOptions {
  readonly version: number
  readonly requireTenantColumn?: boolean
  readonly lockWaitMs?: number
}

/**
 * The shape of a schema at that version: one is made for a tenant that does not exist, in a transaction that is rolled
 * back, so that it can be compared with also when there is only one tenant, or when the same was done to all of them.
 * @throws as upgrade() does, and WATERTIGHT_MIGRATION_LOCKED.
 */
export async function expectedShape(session: Session, options: ExpectedOptions): Promise<Expected> {
  const { version, requireTenantColumn = true } = options
  const id = `expected-${randomBytes(8).toString('hex')}`
  const tenant = { id, schema: id.replace('-', '_'), role: `${id.replace('-', '_')}_role` }
  const place = tenantPlace(tenant, options)
  const folder = tenantFolder(options)
  const [row] = await session.query("SELECT current_setting('server_version_num') AS num")
  return locked(session, options, async () => {
    await session.query('BEGIN')
    try {
      for (const { version: each, name } of migrationFiles(folder)) {
        if (each > version) continue
        const script = filled(
          readFileSync(join(folder, name), 'utf8'),
          place.names,
          Number(row?.['num']),
        )
        const { schemas, scope } = place
        await runGuarded(session, { migration: name, script, schemas, scope, requireTenantColumn })
      }
      return {
        version,
        shape: (await shapesOf(session, [tenant])).get(tenant.schema) ?? '',
        lines: (await linesOf(session, [tenant])).get(tenant.schema) ?? [],
      }
    } finally {
      await session.query('ROLLBACK')
    }
  })
}
