// What most tenants' schemas have and one has not, or has differently, escaped a migration: guards may be missing too.

import {
  defineCatalogProbe,
  literal,
  objectOf,
  type Relation,
  type Tenant,
  type World,
  type WorldObject,
} from '../../src/index.ts'

export default defineCatalogProbe({
  claim: 'Every tenant has the same tables, with the same columns, keys and privileges',
  source: 'https://www.postgresql.org/docs/current/ddl-schemas.html',
  severity: 'low',
  needs: ['rows'],
  separatedBy: 'places',
  remedy:
    'Bring {relation} to the version of the other schemas, or finish the migration that stopped',
  cells: (world) =>
    world.objects
      .filter((object) => !object.shared && homes(world, object).length > 0)
      .map((object) => ({ object, name: object.name, path: 'schemas alike' })),
  inspect: (world, cell) => ({
    sentence: difference(world, objectOf(cell)),
    evidenceSql:
      'SELECT c.relnamespace::regnamespace::text AS schema, a.attname, a.atttypid::regtype::text AS type, ' +
      'a.attnotnull FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid ' +
      `WHERE a.attnum > 0 AND c.relname = ${literal(cell.name)} ORDER BY 1, 2`,
  }),
})

/** Tenants with the object in a schema of their own. */
function homes(world: World, object: WorldObject): readonly Tenant[] {
  return world.tenants.filter((tenant) => object.relationOf(tenant)?.schema === tenant.schema)
}

/** Null when a majority agrees with everybody, and for what only a minority has: that may be its own. */
function difference(world: World, object: WorldObject): string | null {
  const there = homes(world, object)
  if (there.length * 2 <= world.tenants.length) return null
  const missing = world.tenants.find((tenant) => !there.includes(tenant))
  if (missing !== undefined) {
    return `Tenant ${missing.id} has no ${object.name} in its schema, ${there.length} others have`
  }
  const shapes = there.map((tenant) => ({ tenant, shape: shapeOf(object.relationOf(tenant)) }))
  const counts = new Map<string, number>()
  for (const { shape } of shapes) counts.set(shape, (counts.get(shape) ?? 0) + 1)
  const [usual] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? []
  const odd = shapes.find(({ shape }) => shape !== usual)
  return odd === undefined
    ? null
    : `${object.name} of tenant ${odd.tenant.id} has other columns, keys or privileges than those of the others`
}

function shapeOf(relation: Relation | null): string {
  if (relation === null) return ''
  const { kind, columns, primaryKey, uniqueKeys, applicationPrivileges } = relation
  const columnTexts = columns
    .map(({ name, type, notNull }) => [name, type, notNull].join(' '))
    .sort()
  const keys = uniqueKeys.map((key) => key.join(' ')).sort()
  return JSON.stringify([kind, columnTexts, primaryKey, keys, [...applicationPrivileges].sort()])
}
