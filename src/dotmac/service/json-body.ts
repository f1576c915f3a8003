/** The body of a request: a JSON object, or none where the method has none. */

import type { Context } from 'hono'
import { WatertightError } from '../../errors.ts'
import { badRequest } from './problem.ts'

export type Body = Readonly<Record<string, unknown>>

/** @throws WatertightError WATERTIGHT_CONTENT_TYPE, WATERTIGHT_BAD_REQUEST. */
export async function bodyOf(context: Context): Promise<Body> {
  if (!['POST', 'PATCH'].includes(context.req.method)) return {}
  const type = context.req.header('content-type') ?? ''
  if (!/^application\/([\w.-]+\+)?json\s*(;\s*charset="?utf-8"?\s*)?$/i.test(type)) {
    throw new WatertightError('WATERTIGHT_CONTENT_TYPE', 'The body is not JSON in UTF-8', {
      hint: 'Send Content-Type: application/json',
    })
  }
  const bytes = await context.req.arrayBuffer()
  let body: unknown
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw badRequest('The body is not JSON')
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body))
    throw badRequest('The body is no JSON object')
  return body as Body
}
