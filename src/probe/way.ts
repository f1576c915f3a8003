/** Which way a probe asks follows from what it needs, so that no suite has to be known by its name. */

import type { Way } from '../model/way.ts'
import type { Probe } from './define.ts'

export function wayOf({ needs, exhaustive }: Pick<Probe, 'needs' | 'exhaustive'>): Way {
  if (needs.includes('server')) return 'server'
  if (needs.includes('http')) return 'service'
  if (needs.includes('operations')) return 'operations'
  if (!needs.includes('pool') && !needs.includes('pgbouncer')) return 'session'
  return exhaustive === true ? 'pool matrix' : 'pool'
}

/** True where requests of several tenants share connections. */
export function isPooled(way: Way): boolean {
  return way === 'pool' || way === 'pool matrix'
}
