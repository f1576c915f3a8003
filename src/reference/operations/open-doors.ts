/** Doors through which the application reads foreign rows: health must not be green while one is open. */

import { hardenedPredicate } from '../../dotmac/policies.ts'
import { sharedSchema } from '../../dotmac/schema-manager.ts'
import type { Attempt, Row } from '../../model/observation.ts'
import { vacuousAttempt } from '../../model/observation.ts'
import type { Tenant } from '../../model/tenant.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { World } from '../../world/world.ts'
import { operated, performed } from './define.ts'
import { operationsRig, type OperationsRig } from './operations-rig.ts'

export interface Door {
  readonly title: string
  readonly open: string
  readonly shut: string
  /** What the attacker reads through it. */
  readonly table: string
}

export interface DoorScene {
  readonly world: World
  readonly attacker: Tenant
  readonly victim: Tenant
}

export function doorsOf({ world, attacker, victim }: DoorScene): readonly Door[] {
  const app = identifier(world.application)
  if (world.id.tenancy === 'schema-per-tenant') return doorsOfSchemas(attacker, victim)
  return [
    {
      title: 'a policy shows every row',
      table: 'public.isp_services',
      open: 'CREATE POLICY watertight_door ON public.isp_services FOR SELECT USING (true)',
      shut: 'DROP POLICY watertight_door ON public.isp_services',
    },
    {
      title: 'row security is off',
      table: 'public.isp_services',
      open: 'ALTER TABLE public.isp_services DISABLE ROW LEVEL SECURITY',
      shut: 'ALTER TABLE public.isp_services ENABLE ROW LEVEL SECURITY',
    },
    {
      title: 'a copy of a table',
      table: 'public.watertight_copy',
      open: `CREATE TABLE public.watertight_copy AS SELECT * FROM public.isp_customers;
GRANT SELECT ON public.watertight_copy TO ${app}`,
      shut: 'DROP TABLE public.watertight_copy',
    },
    {
      title: "a view with its owner's rights",
      table: 'public.watertight_view',
      open: `CREATE VIEW public.watertight_view AS SELECT * FROM public.isp_customers;
GRANT SELECT ON public.watertight_view TO ${app}`,
      shut: 'DROP VIEW public.watertight_view',
    },
    {
      title: 'a policy of the usual name is wider',
      table: 'public.isp_billing_invoices',
      open: `ALTER POLICY tenant_isolation_select ON public.isp_billing_invoices
USING (tenant_id = (SELECT current_tenant_id()) OR status = 'paid' OR total > 0)`,
      shut: `ALTER POLICY tenant_isolation_select ON public.isp_billing_invoices
USING (${hardenedPredicate({})})`,
    },
  ]
}

function doorsOfSchemas(attacker: Tenant, victim: Tenant): readonly Door[] {
  const [schema, role] = [identifier(victim.schema), identifier(attacker.role)]
  const shared = `${sharedSchema}.watertight_copy`
  return [
    {
      title: 'another tenant is granted',
      table: `${schema}.isp_services`,
      open: `GRANT USAGE ON SCHEMA ${schema} TO ${role}; GRANT SELECT ON ${schema}.isp_services TO ${role}`,
      shut: `REVOKE SELECT ON ${schema}.isp_services FROM ${role}; REVOKE USAGE ON SCHEMA ${schema} FROM ${role}`,
    },
    {
      title: 'a copy in the shared schema',
      table: shared,
      open: `CREATE TABLE ${shared} AS SELECT * FROM ${schema}.isp_customers; GRANT SELECT ON ${shared} TO ${role}`,
      shut: `DROP TABLE ${shared}`,
    },
  ]
}

/** Opens the door, reads through it, asks for the health, and shuts it again. */
export function tryDoor(scene: DoorScene, { open, shut, table }: Door): Promise<Attempt> {
  const { world, attacker } = scene
  return world.companion(operationsRig).then((rig) =>
    rig.exclusive(async () => {
      await rig.admin.query(`BEGIN; ${open}; COMMIT`)
      try {
        const foreign = `SELECT tenant_id FROM ${table} WHERE tenant_id <> ${literal(attacker.id)} LIMIT 1`
        const read = (await rig.read(world, attacker, foreign)).steps.find(
          ({ role }) => role === 'attack',
        )
        const seen = read?.observation.kind === 'rows' ? read.observation.rows : []
        // Without rows of the victim nothing came through, and health need not say anything.
        if (read === undefined || seen.length === 0) return vacuousAttempt
        return operated([
          await performed(open, 'context', () => Promise.resolve([])),
          { ...read, role: 'proof' },
          await performed('health', 'attack', async () =>
            (await isGreen(rig, scene)).length > 0 ? seen : [],
          ),
        ])
      } finally {
        await rig.admin.query(`BEGIN; ${shut}; COMMIT`)
      }
    }),
  )
}

/** The positive control: with every door shut, health is green. */
export function healthyPlatform(scene: DoorScene): Promise<Attempt> {
  return scene.world
    .companion(operationsRig)
    .then((rig) =>
      rig.once('health', async () =>
        operated([await performed('health', 'control', () => isGreen(rig, scene))]),
      ),
    )
}

/** Statements are tried of the two that the scene is about; the system tables are asked for everybody. */
async function isGreen(
  rig: OperationsRig,
  { world, attacker, victim }: DoorScene,
): Promise<readonly Row[]> {
  const others = world.tenants.filter((tenant) => tenant !== attacker && tenant !== victim)
  const { ok, checks } = await rig.operations.health({
    service: 'isp',
    tenancy: world.id.tenancy,
    roles: world.options.roles,
    admin: rig.admin,
    pool: rig.pool,
    tenants: [attacker, victim, ...others],
    asked: 2,
  })
  return ok ? [{ checks: checks.length, ok }] : []
}
