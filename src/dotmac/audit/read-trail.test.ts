import { expect, test } from 'vitest'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { Session } from '../../postgres/session/session.ts'
import { readTrail, type TrailQuestion } from './read-trail.ts'
import { recordAccess } from './record-access.ts'

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'the trail is read newest first, by tenant, time and refusal, and never in part, %s',
  async (tenancy) => {
    await using platform = await PlatformOnTrial.start({
      tenancy,
      services: ['isp'],
      tenants: 3,
      rows: 3,
    })
    const {
      open: {
        site: {
          namespace: { roles },
          address,
          passwords,
        },
      },
      tenants,
    } = platform
    const admin = await platform.admin('isp')
    const schemas =
      tenancy === 'row-level-security' ? ['public'] : tenants.map(({ schema }) => schema)
    for (const schema of schemas) await admin.query(`TRUNCATE "${schema}".audit_tenant_access`)
    const [one, other] = tenants
    if (one === undefined || other === undefined) throw new Error('two tenants are needed')
    const pool = platform.pool('isp', { max: 1 })
    const entry = { userId: 'ann', tableName: 'isp_customers', operation: 'SELECT', success: true }
    const as = (tenant: typeof one) => ({ tenant: { id: tenant.id, tenancy } })
    await recordAccess(pool, { ...entry, ...as(one) })
    await recordAccess(pool, { ...entry, ...as(other), success: false })
    await recordAccess(pool, { ...entry, ...as(one), operation: 'DELETE', success: false })
    for (const schema of schemas) {
      await admin.query(
        `UPDATE "${schema}".audit_tenant_access SET access_time = '2020-01-01' WHERE success`,
      )
    }
    const ask = async (question: Partial<TrailQuestion>, session = admin) =>
      (await readTrail(session, { tenancy, roles, schemas, limit: 10, ...question })).map(
        ({ tenantId, operation, success }) => [tenantId, operation, success],
      )
    const all = [
      [one.id, 'DELETE', false],
      [other.id, 'SELECT', false],
      [one.id, 'SELECT', true],
    ]
    expect(await ask({})).toEqual(all)
    expect(await ask({ limit: 1 })).toEqual(all.slice(0, 1))
    expect(await ask({ tenant: one.id })).toEqual([all[0], all[2]])
    expect(await ask({ refused: true })).toEqual(all.slice(0, 2))
    expect(await ask({ since: new Date('2020-01-02') })).toEqual(all.slice(0, 2))
    expect(await ask({ since: new Date('2019-12-31') })).toEqual(all)
    const login = async (user: string, password: string) =>
      Session.connect({
        address: { ...address, user, password },
        database: platform.database('isp'),
        pipeline: false,
      })
    await using reporting = await login(roles.admin, passwords.admin)
    expect(await ask({}, reporting)).toEqual(all)
    await using application = await login(roles.app, passwords.app)
    await expect(ask({}, application)).rejects.toThrow(/hides the audit trail|permission denied/)
  },
  60_000,
)
