// What the application's role is, what it can become, and what context it starts with.

import { defineCatalogProbe, literal, type RoleEntry, type World } from '../../src/index.ts'

const bypassing = [
  'pg_read_all_data',
  'pg_write_all_data',
  'pg_read_server_files',
  'pg_write_server_files',
  'pg_execute_server_program',
]
const contextSetting = /^(role|search_path|app\.[a-z_]*tenant[a-z_]*|row_security)=/i

export default defineCatalogProbe({
  claim: "The application's role cannot bypass row security, by itself or by becoming another role",
  source: 'https://www.postgresql.org/docs/current/role-attributes.html',
  severity: 'critical',
  needs: ['rows'],
  remedy:
    'ALTER ROLE {relation} NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION; revoke its memberships in ' +
    'owning and bypassing roles',
  cells: (world) => [{ object: null, name: world.application, path: 'role' }],
  inspect: (world) => ({
    sentence: defectOf(world),
    evidenceSql:
      `SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolreplication FROM pg_roles WHERE ` +
      `rolname = ${literal(world.application)}`,
  }),
})

function defectOf(world: World): string | null {
  const { roles, relations } = world.catalog
  const application = roles.find((role) => role.name === world.application)
  if (application === undefined) return `The role ${world.application} does not exist`
  const own = attributesOf(application)
  if (own.length > 0) return `The application's role ${application.name} is ${own.join(', ')}`
  for (const { role: name, canSet, inherits } of application.memberOf) {
    const role = roles.find((each) => each.name === name)
    if (!canSet && !inherits) continue
    if (bypassing.includes(name)) return `The application is a member of ${name}`
    const gained = role === undefined ? [] : attributesOf(role)
    if (gained.length > 0 && canSet)
      return `The application can become ${name}, which is ${gained.join(', ')}`
    const owned = relations.find((relation) => relation.owner === name)
    if (owned !== undefined)
      return `The application can become ${name}, which owns ${owned.schema}.${owned.name}`
  }
  const inheriting =
    world.separatedBy === 'places'
      ? application.memberOf.find(
          ({ role, inherits }) => inherits && world.tenants.some((tenant) => tenant.role === role),
        )
      : undefined
  if (inheriting !== undefined)
    return `The application inherits the rights of ${inheriting.role}: forgetting SET ROLE goes unnoticed`
  const preset = application.settings.find((setting) => contextSetting.test(setting))
  return preset === undefined ? null : `The application starts every session with ${preset}`
}

function attributesOf(role: RoleEntry): readonly string[] {
  return [
    ...(role.superuser ? ['SUPERUSER'] : []),
    ...(role.bypassRowSecurity ? ['BYPASSRLS'] : []),
    ...(role.createRole ? ['CREATEROLE'] : []),
    ...(role.replication ? ['REPLICATION'] : []),
  ]
}
