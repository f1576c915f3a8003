/** Routes of the reference platform's service as cells: a route that is added is asked without anybody's help. */

import { readConfiguration } from '../../dotmac/configuration.ts'
import { resources, type Resource } from '../../dotmac/service/resources.ts'
import { createService } from '../../dotmac/service/service.ts'
import type { Cell } from '../../probe/define.ts'
import type { World } from '../../world/world.ts'

export interface Route {
  readonly method: string
  /** With parameters: `/customers/:id`. */
  readonly path: string
  /** Null for what is no table. */
  readonly resource: Resource | null
  /** Table whose rows it answers from; null for none. */
  readonly table: string | null
  /** False for what needs no token. */
  readonly isGuarded: boolean
}

/** Tables of routes that are no resources, and the open ones. */
const tables: Readonly<Record<string, string>> = {
  '/usage': 'isp_analytics_daily',
  '/admin/reports/:name': 'isp_billing_invoices',
}
const open = ['/health', '/metrics']

let known: readonly Route[] | undefined

/** Asked of the service once: it has the same ones for as long as the process lives. */
export function serviceRoutes(): readonly Route[] {
  known ??= readRoutes()
  return known
}

/** The service as it was built, without a database: it is only asked for its routes. */
function readRoutes(): readonly Route[] {
  const nobody = () => {
    throw new Error('this service only tells its routes')
  }
  const { routes } = createService({
    verifier: { callerOf: nobody },
    isp: nobody,
    health: nobody,
    metrics: nobody,
    configuration: readConfiguration({}),
  })
  return routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => {
      const resource =
        resources.find((each) => path === `/${each.path}` || path === `/${each.path}/:id`) ?? null
      const table = resource?.table.name ?? tables[path] ?? null
      return { method, path, resource, table, isGuarded: !open.includes(path) }
    })
}

/** The service is asked where the platform is judged and where it has its data. */
export function isServed({ id }: Pick<World, 'id'>): boolean {
  return id.service === 'isp' && id.variant === 'hardened'
}

/** One cell for each route: its path is the row of the matrix, its method the column. */
export function routeCells(world: World, wanted: (route: Route) => boolean): readonly Cell[] {
  if (!isServed(world)) return []
  return serviceRoutes()
    .filter(wanted)
    .map(({ method, path, table }) => ({
      object: world.objects.find(({ name }) => name === table) ?? null,
      name: path,
      path: method,
    }))
}

export function routeOf({ name, path }: Cell): Route {
  const route = serviceRoutes().find((each) => each.path === name && each.method === path)
  if (route === undefined) throw new Error(`the service has no route ${path} ${name}`)
  return route
}
