/** A mutant that is the version of a server: nothing is planted, a catalogue is read that says so. */

import type { World } from '../../world/world.ts'
import type { Mutant } from './mutant.ts'

/** As PostgreSQL numbers it; null where the mutant is more than the version of a server. */
export function versionIn({ server, sql, attackable }: Mutant): number | null {
  const [, major, minor] = /^(\d+)\.(\d+)$/.exec(server ?? '') ?? []
  const isEmpty = (sql ?? '').replace(/^\s*--.*$/gm, '').trim() === ''
  return major === undefined || attackable || !isEmpty
    ? null
    : Number(major) * 10_000 + Number(minor)
}

/** The same world as if its server were of that version. */
export function asVersion(world: World, serverVersionNum: number): World {
  const catalog = { ...world.catalog, serverVersionNum }
  return new Proxy(world, {
    get: (target, key) => {
      if (key === 'catalog') return catalog
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
