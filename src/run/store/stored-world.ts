/** The facts of a world as they lie on disk, and facts out of them: judges see no difference to an open world. */

import type { Capabilities } from '../../model/capability.ts'
import { relationKey, type Catalog, type RelationKind } from '../../model/catalog.ts'
import type { Row } from '../../model/observation.ts'
import type { RoleNames } from '../../model/roles.ts'
import type { ContextPlan } from '../../model/target.ts'
import { worldKey, type WorldId } from '../../model/tenancy.ts'
import type { Tenant } from '../../model/tenant.ts'
import type { Companion, WorldFacts, WorldObject } from '../../model/world.ts'
import { NeedsServer } from '../../probe/judge-again.ts'
import { compileContext } from '../../target/contexts.ts'
import { plantedOwnership } from '../../world/planted-marks.ts'
import type { World } from '../../world/world.ts'

interface StoredObject extends Pick<WorldObject, 'name' | 'shared' | 'sealed' | 'rowsTotal'> {
  readonly kind: RelationKind
  /** By tenant, in the order of the tenants: key of the relation, SQL name, rows, samples. */
  readonly relations: readonly (string | null)[]
  readonly addresses: readonly string[]
  readonly rows: readonly (number | null)[]
  readonly samples: readonly (readonly Row[])[]
}

export interface WorldLine {
  readonly kind: 'world'
  readonly id: WorldId
  readonly origin: WorldFacts['origin']
  readonly database: string
  readonly separatedBy: WorldFacts['separatedBy']
  readonly catalog: Catalog
  readonly tenants: readonly Tenant[]
  readonly ownership: { readonly bySchema: boolean; readonly columns: readonly string[] }
  readonly context: ContextPlan
  readonly capabilities: Capabilities
  readonly speaksFor: readonly Companion[]
  readonly roles: RoleNames
  readonly administrator: string
  readonly expected: readonly string[]
  readonly objects: readonly StoredObject[]
}

/** Null where ownership follows from more than what was planted: that is not kept yet. */
export function storedWorld(world: World): WorldLine | null {
  if (world.origin !== 'planted') return null
  const { id, origin, database, separatedBy, catalog, tenants, ownership, roles } = world
  return {
    kind: 'world',
    id,
    origin,
    database,
    separatedBy,
    catalog,
    tenants,
    ownership: {
      bySchema: tenants.some((tenant) => ownership.ownerByPlace(tenant) === tenant.id),
      columns: ownership.columns,
    },
    context: world.context.plan,
    capabilities: world.capabilities,
    speaksFor: [...world.speaksFor],
    roles,
    administrator: world.administrator,
    expected: [...(world.options.expectedPrivileges ?? [])],
    objects: world.objects.map((object) => storedObject(object, tenants)),
  }
}

function storedObject(object: WorldObject, tenants: readonly Tenant[]): StoredObject {
  const { name, kind, shared, sealed, rowsTotal } = object
  return {
    name,
    kind,
    shared,
    sealed,
    rowsTotal,
    relations: tenants.map((tenant) => {
      const relation = object.relationOf(tenant)
      return relation === null ? null : relationKey(relation)
    }),
    addresses: tenants.map((tenant) => object.addressOf(tenant)),
    rows: tenants.map(({ id }) => object.rowsOf(id)),
    samples: tenants.map(({ id }) => object.samplesOf(id)),
  }
}

/** Facts without hands: whoever asks for more gets a NeedsServer. */
export function worldOf(line: WorldLine): World {
  const { id, catalog, tenants, roles } = line
  const byId = new Map(tenants.map((tenant) => [tenant.id, tenant]))
  const context = compileContext(line.context)
  const facts: WorldFacts & Pick<World, 'enter'> = {
    id,
    key: worldKey(id),
    origin: line.origin,
    database: line.database,
    catalog,
    objects: objectsOf(line),
    tenants,
    ownership: plantedOwnership(tenants, line.ownership),
    context,
    enter: (tenant) => context.enter(tenant).map((sql) => ({ sql, role: 'context' })),
    capabilities: line.capabilities,
    separatedBy: line.separatedBy,
    speaksFor: new Set(line.speaksFor),
    roles,
    application: roles.app,
    administrator: line.administrator,
    tenant: (name) => {
      const found = byId.get(name)
      if (found === undefined) throw new Error(`no tenant ${JSON.stringify(name)} in this world`)
      return found
    },
    expects: ({ name, privilege }) =>
      privilege !== undefined && line.expected.includes(`${name}:${privilege}`),
  }
  return new Proxy(facts, {
    get: (target, key) => {
      if (key in target || typeof key === 'symbol') return Reflect.get(target, key) as unknown
      throw new NeedsServer(`the judge asks for ${key}, which only an open world has`)
    },
  }) as World
}

function objectsOf({ catalog, tenants, objects }: WorldLine): readonly WorldObject[] {
  const relations = new Map(catalog.relations.map((each) => [relationKey(each), each]))
  const places = new Map(tenants.map(({ id }, index) => [id, index]))
  return objects.map(({ rows, addresses, samples, relations: keys, ...object }) => {
    const at = <T>(list: readonly T[], id: string): T | undefined => list[places.get(id) ?? -1]
    return {
      ...object,
      relationOf: ({ id }) => relations.get(at(keys, id) ?? '') ?? null,
      addressOf: ({ id }) => at(addresses, id) ?? '',
      rowsOf: (id) => at(rows, id) ?? null,
      samplesOf: (id) => at(samples, id) ?? [],
    }
  })
}
