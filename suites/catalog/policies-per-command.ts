// Each command that the application may use needs a policy of its own, and none that is always true.

import {
  cellsOf,
  defineCatalogProbe,
  literal,
  objectOf,
  objectsOfKind,
  type Policy,
  type PolicyCommand,
  type Relation,
  type TablePrivilege,
  type World,
} from '../../src/index.ts'

const commands = ['SELECT', 'INSERT', 'UPDATE', 'DELETE'] as const

export default defineCatalogProbe({
  claim: 'Every command that the application may use has a policy, and none of them is always true',
  source: 'https://www.postgresql.org/docs/current/sql-createpolicy.html',
  severity: 'high',
  needs: ['rows'],
  separatedBy: 'rows',
  remedy:
    'Give {relation} one policy per command that compares tenant_id with the context, in USING and in WITH CHECK',
  cells: (world) =>
    cellsOf(
      objectsOfKind(world, ['table', 'partitioned table']).filter((object) => {
        const relation = object.relationOf(world.tenant(world.tenants[0]?.id ?? ''))
        return (
          relation !== null && relation.relrowsecurity && relation.applicationPrivileges.length > 0
        )
      }),
      'policies',
      'SELECT',
    ),
  inspect: (world, cell) => {
    const relation = objectOf(cell).relationOf(world.tenant(world.tenants[0]?.id ?? ''))
    const evidenceSql =
      `SELECT polname, polcmd::text, polpermissive, pg_get_expr(polqual, polrelid) AS qual, ` +
      `pg_get_expr(polwithcheck, polrelid) AS with_check FROM pg_policy WHERE polrelid = ` +
      `${literal(String(relation?.oid ?? 0))}::oid ` +
      `UNION ALL SELECT '(table)', relkind::text, relrowsecurity, NULL, NULL FROM pg_class WHERE oid = ` +
      `${literal(String(relation?.oid ?? 0))}::oid`
    const shared = objectOf(cell).shared
    return {
      sentence: relation === null ? null : defectOf(world, relation, { shared }),
      evidenceSql,
    }
  },
})

interface Content {
  /** True when no row belongs to anybody: reading all of them is what a reference table is for. */
  readonly shared: boolean
}

function defectOf(world: World, relation: Relation, { shared }: Content): string | null {
  const usable = commands.filter((command) =>
    relation.applicationPrivileges.includes(command as TablePrivilege),
  )
  for (const command of usable) {
    const applying = relation.policies.filter((policy) => appliesTo(policy, command, world))
    const permissive = applying.filter((policy) => policy.permissive)
    if (permissive.length === 0) {
      return `No permissive policy of ${relation.name} lets the application ${command}: every row is denied`
    }
    const floor = applying.some((policy) => !policy.permissive && !isAlwaysTrue(policy, command))
    const open = permissive.find((policy) => isAlwaysTrue(policy, command))
    if (open !== undefined && !floor && !(shared && command === 'SELECT')) {
      return `The policy ${open.name} of ${relation.name} is always true for ${command}`
    }
  }
  return null
}

function appliesTo(policy: Policy, command: PolicyCommand, world: World): boolean {
  const application = world.catalog.roles.find((role) => role.name === world.application)
  const mine = policy.roles.some(
    (role) =>
      role === 'public' ||
      role === world.application ||
      application?.memberOf.some((each) => each.role === role && each.inherits) === true,
  )
  return mine && (policy.command === 'ALL' || policy.command === command)
}

/** What the command is measured by: rows it reads, rows it writes. */
function isAlwaysTrue(policy: Policy, command: PolicyCommand): boolean {
  const check = policy.withCheck ?? policy.using
  if (command === 'INSERT') return check === 'true'
  return policy.using === 'true' || (command === 'UPDATE' && check === 'true')
}
