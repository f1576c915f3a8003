// Who may create in a schema may put an object in front of another; who may use a tenant's schema is in.

import { defineCatalogProbe, literal, type SchemaEntry, type World } from '../../src/index.ts'

export default defineCatalogProbe({
  claim: "Only owners create in schemas, and only its own role uses a tenant's schema",
  source: 'https://www.postgresql.org/docs/current/ddl-schemas.html#DDL-SCHEMAS-PRIV',
  severity: 'high',
  needs: ['rows'],
  remedy:
    "REVOKE CREATE ON SCHEMA {relation} FROM PUBLIC; grant USAGE on a tenant's schema to its role alone",
  cells: (world) =>
    world.catalog.schemas.map(({ name }) => ({ object: null, name, path: 'schema' })),
  inspect: (world, cell) => {
    const schema = world.catalog.schemas.find((each) => each.name === cell.name)
    return {
      ...(schema === undefined ? { sentence: null } : defectOf(world, schema)),
      evidenceSql:
        `SELECT nspname, pg_get_userbyid(nspowner) AS owner, nspacl::text FROM pg_namespace ` +
        `WHERE nspname = ${literal(cell.name)}`,
    }
  },
})

function defectOf(world: World, schema: SchemaEntry): { sentence: string | null } {
  const { roles } = world
  const trusted = new Set([schema.owner, roles.owner, world.administrator, 'pg_database_owner'])
  const creator = schema.grants.find(
    ({ role, privilege }) =>
      privilege === 'CREATE' &&
      !trusted.has(role) &&
      (role === 'public' ||
        role === roles.app ||
        world.tenants.some((tenant) => tenant.role === role)),
  )
  if (creator !== undefined) {
    return {
      sentence:
        `${creator.role === 'public' ? 'Everybody' : creator.role} may create objects in the schema ` +
        `${schema.name}`,
    }
  }
  const tenant = world.tenants.find((each) => each.schema === schema.name)
  if (world.separatedBy !== 'places' || tenant === undefined) return { sentence: null }
  const intruder = schema.grants.find(
    ({ role, privilege }) =>
      privilege === 'USAGE' && !trusted.has(role) && role !== tenant.role && role !== roles.admin,
  )
  return {
    sentence:
      intruder === undefined
        ? null
        : `${intruder.role === 'public' ? 'Everybody' : intruder.role} may use the schema of tenant ${tenant.id}`,
  }
}
