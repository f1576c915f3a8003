import { expect, test } from 'vitest'
import { survey } from '../../postgres/survey.ts'
import type { Session } from '../../postgres/session.ts'
import { PlatformOnTrial } from '../../run/platform-on-trial.ts'
import { standardRoles } from '../roles.ts'
import { MigrationsOnTrial } from '../../run/migrations-on-trial.ts'

const services = ['management', 'isp'] as const

test.each(['row-level-security', 'schema-per-tenant'] as const)(
  'what migrations make is what the models say and the harness verifies, %s', async (tenancy) => {
    await using installed = await PlatformOnTrial.start({ tenancy, tenants: 2, rows: 3 })
    await using migrated = await MigrationsOnTrial.start()
    await migrated.migrate(tenancy)
    for (const { id } of installed.tenants) await migrated.register(id, tenancy)
    const { failed, upgraded } = await migrated.migrate(tenancy)
    expect(failed).toEqual([])
    expect(upgraded.map(({ title, to }) => [title, to])).toEqual(tenancy === 'row-level-security'
      ? [['management platform', 1], ['isp platform', 1]]
      : services.flatMap((service) => [[`${service} platform`, 1],
          ...installed.tenants.map(({ id }) => [`tenant ${id} in ${service}`, 1])]))
    for (const service of services) {
      const roleBySchema = new Map(tenancy === 'schema-per-tenant'
        ? installed.tenants.map(({ schema, role }) => [schema, role] as const) : [])
      const catalogOf = async (session: Session) => {
        const { relations, functions, schemas } =
          await survey(session, { application: standardRoles.app, roleBySchema })
        const own = (schema: string) => schema !== 'dotmac_migrations'
        return JSON.parse(JSON.stringify({
          relations: relations.filter(({ schema }) => own(schema)), functions,
          schemas: schemas.filter(({ name }) => own(name)),
        }, (key, value: unknown) => ['oid', 'estimatedRows'].includes(key) ? undefined : value)) as object
      }
      expect(await catalogOf(migrated[service]), service).toEqual(await catalogOf(await installed.admin(service)))
    }
  }, 90_000)
