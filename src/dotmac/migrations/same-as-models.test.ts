import { expect, test } from 'vitest'
import { survey } from '../../postgres/survey/survey.ts'
import type { Session } from '../../postgres/session/session.ts'
import { services, tenancies, type TenancyName } from '../../model/tenancy.ts'
import { minorAtHand } from '../../testing/minor-at-hand.ts'
import { PlatformOnTrial } from '../../testing/platform-on-trial.ts'
import { standardRoles } from '../roles.ts'
import { MigrationsOnTrial } from '../../testing/migrations-on-trial.ts'

/** The installed server, and the newest minor of each older major version. */
const servers: {
  readonly name: string
  readonly isThere: boolean
  readonly on: { readonly version?: string }
}[] = [{ name: 'the installed server', isThere: true, on: {} }]
for (const major of [14, 15, 16, 17]) {
  const { version, why } = await minorAtHand(major)
  const on = version === null ? {} : { version }
  servers.push({ name: `PostgreSQL ${major}${why}`, isThere: version !== null, on })
}

for (const { name, isThere, on } of servers) {
  test.skipIf(!isThere).each(tenancies)(
    `what migrations make is what the models say and the harness verifies, %s on ${name}`,
    async (tenancy) => {
      await compare(tenancy, on)
    },
    90_000,
  )
}

async function compare(tenancy: TenancyName, on: { readonly version?: string }): Promise<void> {
  await using installed = await PlatformOnTrial.start({ tenancy, tenants: 2, rows: 3, ...on })
  await using migrated = await MigrationsOnTrial.start(on)
  await migrated.migrate(tenancy)
  for (const { id } of installed.tenants) await migrated.register(id, tenancy)
  const { failed, upgraded } = await migrated.migrate(tenancy)
  expect(failed).toEqual([])
  expect(upgraded.map(({ title, to }) => [title, to])).toEqual(
    tenancy === 'row-level-security'
      ? [
          ['management platform', 1],
          ['isp platform', 1],
        ]
      : services.flatMap((service) => [
          [`${service} platform`, 1],
          ...installed.tenants.map(({ id }) => [`tenant ${id} in ${service}`, 1]),
        ]),
  )
  for (const service of services) {
    const roleBySchema = new Map(
      tenancy === 'schema-per-tenant'
        ? installed.tenants.map(({ schema, role }) => [schema, role] as const)
        : [],
    )
    const catalogOf = async (session: Session) => {
      const { relations, functions, schemas } = await survey(session, {
        application: standardRoles.app,
        roleBySchema,
      })
      const own = (schema: string) => schema !== 'dotmac_migrations'
      return JSON.parse(
        JSON.stringify(
          {
            relations: relations.filter(({ schema }) => own(schema)),
            functions,
            schemas: schemas.filter(({ name }) => own(name)),
          },
          (key, value: unknown) => (['oid', 'estimatedRows'].includes(key) ? undefined : value),
        ),
      ) as object
    }
    expect(await catalogOf(migrated[service]), service).toEqual(
      await catalogOf(await installed.admin(service)),
    )
  }
}
