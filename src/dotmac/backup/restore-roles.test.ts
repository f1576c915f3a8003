/** A dump on a server that never had the platform: its roles are the server's and come from the manifest. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { services } from '../../model/tenancy.ts'
import { identifier } from '../../sql/identifier.ts'
import { startEmbeddedServer } from '../../postgres/server/server.ts'
import { dumpableServer } from '../../testing/dumpable-server.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { readTenantStates } from '../recovery/tenant-states.ts'
import { validateIsolation } from '../recovery/validate-isolation.ts'
import { backupFull } from './backup-full.ts'
import { onOneServer, openBackupSession } from './backup-platform.ts'
import { readManifest } from './manifest.ts'
import { restoreFull } from './restore-full.ts'

const { version, why } = await dumpableServer()

test.skipIf(version === null)(
  `roles that a new server lacks are named before anything is done, or made without passwords${why}`,
  async () => {
    const tenancy = 'schema-per-tenant'
    const like = version === null ? {} : { version }
    await using platform = await PlatformOnTrial.start({ tenancy, rows: 30, ...like })
    await using fresh = await startEmbeddedServer(like)
    const databases = { management: platform.database('management'), isp: platform.database('isp') }
    const scratch = await mkdtemp(join(tmpdir(), 'roles-'))
    try {
      const from = join(scratch, 'full')
      const {
        address,
        namespace: { roles },
      } = platform.open.site
      await backupFull(onOneServer(address, { tenancy, databases }), { to: from })
      const manifest = await readManifest(from)
      const target = onOneServer(fresh.address, { tenancy, databases })
      const ofServer = { management: 'postgres', isp: 'postgres' }
      await using admin = await openBackupSession({ ...target, databases: ofServer }, 'isp')
      for (const service of services)
        await admin.query(`CREATE DATABASE ${identifier(databases[service])}`)
      const known = async () =>
        await admin.query(`SELECT rolname FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY 1`)
      const before = await known()
      const refused = async (by: typeof manifest, createRoles: boolean) => {
        await expect(restoreFull(target, by, { from, createRoles })).rejects.toMatchObject({
          code: 'WATERTIGHT_ROLES_MISSING',
        })
        expect(await known()).toEqual(before)
      }
      await refused(manifest, false)
      // A manifest is a file: nobody becomes a superuser by it.
      await refused(
        {
          ...manifest,
          roles: [
            ...(manifest.roles ?? []),
            { name: 'root', canLogin: true, inherits: true, isElevated: true, memberOf: [] },
          ],
        },
        true,
      )
      await restoreFull(target, manifest, { from, createRoles: true })
      const ids = platform.tenants.map(({ id }) => id)
      expect(await readTenantStates(target, ids)).toEqual(
        await readTenantStates(onOneServer(address, { tenancy, databases }), ids),
      )
      const [app] =
        await admin.query(`SELECT rolcanlogin, rolinherit, rolsuper OR rolbypassrls AS more,
        rolpassword IS NULL AS locked FROM pg_authid WHERE rolname = '${roles.app}'`)
      expect(app).toEqual({ rolcanlogin: 't', rolinherit: 'f', more: 'f', locked: 't' })
      await admin.query(`ALTER ROLE ${identifier(roles.app)} PASSWORD 'new'`)
      for (const service of services) {
        await admin.query(
          `GRANT CONNECT ON DATABASE ${identifier(databases[service])} TO ${identifier(roles.app)}`,
        )
      }
      const login = { user: roles.app, password: 'new' }
      expect(await validateIsolation(target, { tenants: platform.tenants, login })).toEqual([])
    } finally {
      await rm(scratch, { recursive: true, force: true })
    }
  },
  120_000,
)
