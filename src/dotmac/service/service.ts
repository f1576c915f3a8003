/**
 * The HTTP service: every request runs in the context of the token's tenant. A tenant that a URL, a header or a body
 * names is never trusted over it.
 */

import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { WatertightError } from '../../errors.ts'
import { problemOf, problemResponse } from './problem.ts'
import { Requests, type ServiceOptions } from './requests.ts'
import { resources, type Resource } from './resources.ts'
import { usageStatement } from './usage.ts'

const bodyBytesMax = 64 * 1024

export function createService(options: ServiceOptions): Hono {
  const app = new Hono()
  const requests = new Requests(options)
  app.use(
    bodyLimit({
      maxSize: bodyBytesMax,
      onError: () => {
        throw new WatertightError(
          'WATERTIGHT_TOO_LARGE',
          `A body has ${bodyBytesMax} bytes at most`,
          { hint: 'Send less' },
        )
      },
    }),
  )
  app.get('/health', async (context) => {
    const health = await options.health()
    return context.json(health, health.status === 'up' ? 200 : 503, { 'cache-control': 'no-store' })
  })
  const { metrics } = options
  if (metrics !== undefined) {
    const headers = {
      'content-type': 'text/plain; version=0.0.4; charset=utf-8',
      'cache-control': 'no-store',
    }
    app.get('/metrics', (context) => context.body(metrics(), 200, headers))
    allowOnly(app, '/metrics', ['GET', 'HEAD'])
  }
  for (const resource of resources) addResource(app, requests, resource)
  app.get('/usage', (context) =>
    requests.answer(
      context,
      { table: 'isp_analytics_daily', operation: 'SELECT' },
      async (session, { tenantId }) => {
        const { text, values } = usageStatement(tenantId, context.req.query())
        return { days: (await session.query(text, values)).rows }
      },
    ),
  )
  app.get('/admin/reports/:name', (context) => requests.report(context))
  for (const path of ['/health', '/usage', '/admin/reports/:name'])
    allowOnly(app, path, ['GET', 'HEAD'])
  app.notFound(() => {
    throw new WatertightError('WATERTIGHT_NOT_FOUND', 'There is no such thing', { hint: '' })
  })
  app.onError((error) => {
    const problem = problemOf(error)
    // A token of a tenant that is not there is in nobody's trail; a client that has hung up is nobody's fault.
    const isFault = problem.status >= 500 && problem.code !== 'WATERTIGHT_CLIENT_GONE'
    if (isFault || problem.code === 'WATERTIGHT_NO_TENANT') options.onError?.(error)
    return problemResponse(problem)
  })
  return app
}

function addResource(app: Hono, requests: Requests, resource: Resource): void {
  const path = `/${resource.path}`
  const to = (operation: string) => ({ table: resource.table.name, operation, aim: resource.aim })
  const isWritable = resource.writable.length > 0
  app.get(path, (context) =>
    requests.answer(context, to('SELECT'), (session, { tenantId }) =>
      resource.list(session, tenantId, context.req.query()),
    ),
  )
  app.get(`${path}/:id`, (context) =>
    requests.answer(context, to('SELECT'), (session, { tenantId }) =>
      resource.get(session, tenantId, context.req.param('id')),
    ),
  )
  if (isWritable) {
    app.post(path, (context) =>
      requests.answer(context, to('INSERT'), (session, { tenantId }, body) =>
        resource.create(session, tenantId, body),
      ),
    )
    app.patch(`${path}/:id`, (context) =>
      requests.answer(context, to('UPDATE'), (session, { tenantId }, body) =>
        resource.update(session, tenantId, { id: context.req.param('id'), body }),
      ),
    )
    app.delete(`${path}/:id`, (context) =>
      requests.answer(context, to('DELETE'), (session, { tenantId }) =>
        resource.remove(session, tenantId, context.req.param('id')),
      ),
    )
  }
  allowOnly(app, path, ['GET', 'HEAD', ...(isWritable ? ['POST'] : [])])
  allowOnly(app, `${path}/:id`, ['GET', 'HEAD', ...(isWritable ? ['PATCH', 'DELETE'] : [])])
}

/** After the methods that a path has: every other one is told which these are. */
function allowOnly(app: Hono, path: string, methods: readonly string[]): void {
  const allow = methods.join(', ')
  const problem = problemOf(
    new WatertightError('WATERTIGHT_METHOD', `This can be asked with ${allow} only`, {
      hint: 'Use another method',
    }),
  )
  app.all(path, () => problemResponse(problem, { allow }))
}
