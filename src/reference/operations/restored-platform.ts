/** Both databases backed up, emptied and restored, once; afterwards everybody tries what was possible before. */

import { join } from 'node:path'
import { services, type Service } from '../../model/tenancy.ts'
import { readTenantStates } from '../../dotmac/recovery/tenant-states.ts'
import type { Attempt, Row, Step } from '../../model/observation.ts'
import type { Tenant } from '../../model/tenant.ts'
import { literal, qualified } from '../../sql/identifier.ts'
import type { World } from '../../world/world.ts'
import { readCatalogStates, undeclared, type CatalogStates } from './catalog-states.ts'
import { operated, performed } from './define.ts'
import { asAdmin, operationsRig, withAdmin, type OperationsRig } from './operations-rig.ts'
import { readSharedRows } from './shared-rows.ts'
import { changedTenants } from './try-backup.ts'

/** The backup without pg_dump: it is the one that is possible everywhere. */
export function restoredPlatform(world: World, rig: OperationsRig): Promise<Attempt> {
  return rig.once('full restore', async (directory) => {
    const tenants = world.tenants.map(({ id }) => id)
    const to = join(directory, 'full')
    const before = await readTenantStates(rig.platform, tenants)
    const stood = await standing(rig)
    const manifest = await rig.operations.backupFull(rig.platform, { to, method: 'copy' })
    for (const service of services) {
      // What is still there was not restored.
      const tables = (manifest.databases[service]?.tables ?? []).map(({ schema, table }) =>
        qualified({ schema, name: table }),
      )
      await asAdmin(rig.platform, service, `TRUNCATE ${tables.join(', ')} CASCADE`)
    }
    const restored = await performed(
      'restore both databases from a full backup',
      'attack',
      async () => {
        await rig.operations.restoreFull(rig.platform, manifest, { from: to })
        return []
      },
    )
    const after = await readTenantStates(rig.platform, tenants)
    const stands = await standing(rig)
    return operated([
      restored,
      await performed(
        "everything that protects rows, and what is nobody's, before and after",
        'attack',
        () => Promise.resolve(changedStanding(stood, stands)),
      ),
      await performed('counts and content hashes of all tenants, before and after', 'attack', () =>
        Promise.resolve(changedTenants(tenants, before, after)),
      ),
    ])
  })
}

type Standing = Readonly<Record<Service, CatalogStates>>

/** A restore brings rows back, and nothing else changes: who may reach them how, and what all of them share. */
async function standing({ platform }: OperationsRig): Promise<Standing> {
  const of = (service: Service) =>
    withAdmin(platform, service, async (session) => {
      const catalog = await readCatalogStates(session)
      return new Map([...catalog, ...(await readSharedRows(session))])
    })
  return { management: await of('management'), isp: await of('isp') }
}

function changedStanding(before: Standing, after: Standing): readonly Row[] {
  return services.flatMap((database) =>
    undeclared(before[database], after[database], { isAbout: () => false }).map((row) => ({
      ...row,
      database,
    })),
  )
}

/** Foreign rows of every table, as the application reads them after the restore. */
export async function readRestored(
  world: World,
  { attacker, victim }: { readonly attacker: Tenant; readonly victim: Tenant },
): Promise<Attempt> {
  const rig = await world.companion(operationsRig)
  const { steps } = await restoredPlatform(world, rig)
  return rig.exclusive(async () => {
    const reads: Step[] = []
    for (const address of await addressesOf(world, rig, victim)) {
      const sql = `SELECT tenant_id, '${address.replaceAll("'", "''")}' AS relation FROM ${address}
WHERE tenant_id <> ${literal(attacker.id)} LIMIT 1`
      const {
        steps: [...read],
      } = await rig.read(world, attacker, sql)
      reads.push(...read.filter(({ role }) => role === 'attack'))
    }
    return operated([...steps, ...reads])
  })
}

/** The positive control: what the tenant itself sees of its customers. */
export async function ownCustomers(world: World, tenant: Tenant): Promise<Attempt> {
  const rig = await world.companion(operationsRig)
  await restoredPlatform(world, rig)
  return rig.exclusive(async () => {
    const { steps } = await rig.read(world, tenant, 'SELECT tenant_id FROM isp_customers LIMIT 1')
    return operated(
      steps.map((step) => (step.role === 'attack' ? { ...step, role: 'control' } : step)),
    )
  })
}

/** Tables with a tenant_id: the shared ones, or those in the victim's schema. */
async function addressesOf(
  world: World,
  rig: OperationsRig,
  victim: Tenant,
): Promise<readonly string[]> {
  const schema = world.id.tenancy === 'row-level-security' ? 'public' : victim.schema
  const rows = await rig.admin.query(`SELECT format('%I.%I', n.nspname, c.relname) AS address
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id' AND NOT a.attisdropped
    WHERE n.nspname = ${literal(schema)} AND c.relkind IN ('r', 'p') ORDER BY 1`)
  return rows.map(({ address }) => String(address))
}
