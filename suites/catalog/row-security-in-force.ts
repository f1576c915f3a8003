// Policies are inert without ENABLE, and the owner (or a member of the owner) is exempt without FORCE.

import {
  cellsOf,
  defineCatalogProbe,
  literal,
  objectOf,
  objectsOfKind,
  type Relation,
  type World,
} from '../../src/index.ts'

export default defineCatalogProbe({
  claim:
    "Row security is enabled on every table with tenants' rows that the application reaches, and forced",
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'high',
  needs: ['rows'],
  separatedBy: 'rows',
  remedy:
    'ALTER TABLE {relation} ENABLE ROW LEVEL SECURITY; ALTER TABLE {relation} FORCE ROW LEVEL SECURITY;',
  cells: (world) =>
    cellsOf(
      objectsOfKind(world, ['table', 'partitioned table', 'partition']).filter(
        (object) => !object.shared && relationIn(world, object.name)?.tenantColumn !== null,
      ),
      'row security',
      'SELECT',
    ),
  inspect: (world, cell) => {
    const relation = objectOf(cell).relationOf(world.tenant(world.tenants[0]?.id ?? ''))
    const evidenceSql =
      `SELECT relname, relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner) AS owner ` +
      `FROM pg_class WHERE oid = ${literal(String(relation?.oid ?? 0))}::oid`
    if (relation === null) return { sentence: null, evidenceSql }
    return { ...defectOf(world, relation), evidenceSql }
  },
})

function relationIn(world: World, name: string): Relation | undefined {
  return world.catalog.relations.find(
    (relation) => relation.name === name || `${relation.schema}.${relation.name}` === name,
  )
}

function defectOf(
  world: World,
  relation: Relation,
): { sentence: string | null; severity?: 'low' | 'high' } {
  const reached = relation.applicationPrivileges.length > 0
  if (!relation.relrowsecurity) {
    return reached
      ? {
          sentence:
            `Row security is not enabled on ${relation.name}, and the application holds ` +
            `${relation.applicationPrivileges.join(', ')} on it`,
        }
      : { sentence: null }
  }
  if (relation.relforcerowsecurity) return { sentence: null }
  const application = world.catalog.roles.find((role) => role.name === world.application)
  const isOwner =
    relation.owner === world.application ||
    application?.memberOf.some(
      ({ role, canSet, inherits }) => role === relation.owner && (canSet || inherits),
    ) === true
  if (isOwner)
    return {
      sentence: `The application is the owner of ${relation.name}, or can become it, and row security is not forced`,
    }
  return reached
    ? {
        sentence:
          `Row security is not forced on ${relation.name}: whatever runs as its owner ` +
          `${relation.owner} sees every tenant`,
        severity: 'low',
      }
    : { sentence: null }
}
