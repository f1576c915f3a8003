/** What each variable of the configuration may be; whatever else is accepted disarms something by a slip of the pen. */

import { operationsRig } from './operations-rig.ts'
import fc from 'fast-check'
import { asError, messageOf } from '../../errors.ts'
import type { Configuration } from '../../dotmac/configuration.ts'
import type { Attempt, Row } from '../../model/observation.ts'
import type { World } from '../../world/world.ts'
import { operated, performed } from './define.ts'

export interface Variable {
  readonly name: string
  /** What the configuration says after it was read. */
  read(configuration: Configuration): boolean | number
  /** What the text means; undefined for nonsense. */
  meaning(text: string): boolean | number | undefined
  /** A text that changes the default. */
  readonly sensible: string
}

const flag = (name: string, read: Variable['read']): Variable => ({
  name,
  read,
  sensible: 'false',
  meaning: (text) => {
    const word = text.trim().toLowerCase()
    return /^(true|1|yes|on)$/.test(word)
      ? true
      : /^(false|0|no|off)$/.test(word)
        ? false
        : undefined
  },
})

interface Bounds {
  readonly least?: number
  readonly most: number
}

const limit = (
  name: string,
  { least = 1, most }: Bounds,
  read: (pool: Configuration['pool']) => number,
): Variable => ({
  name,
  read: ({ pool }) => read(pool),
  sensible: '7',
  meaning: (text) => {
    const digits = text.trim()
    return /^[0-9]{1,9}$/.test(digits) && Number(digits) >= least && Number(digits) <= most
      ? Number(digits)
      : undefined
  },
})

export const variables: readonly Variable[] = [
  flag('ENABLE_RLS', ({ enableRls }) => enableRls),
  flag('REQUIRE_TENANT_COLUMN', ({ requireTenantColumn }) => requireTenantColumn),
  flag('ENABLE_AUDIT_TRIGGERS', ({ enableAuditTriggers }) => enableAuditTriggers),
  flag('TENANT_ISOLATION_STRICT', ({ tenantIsolationStrict }) => tenantIsolationStrict),
  flag('AUDIT_TENANT_ACCESS', ({ auditTenantAccess }) => auditTenantAccess),
  limit('DB_POOL_SIZE', { most: 10_000 }, ({ poolSize }) => poolSize),
  limit('DB_MAX_OVERFLOW', { least: 0, most: 10_000 }, ({ maxOverflow }) => maxOverflow),
  limit('DB_POOL_TIMEOUT', { most: 3_600 }, ({ poolTimeout }) => poolTimeout),
  limit('DB_POOL_RECYCLE', { most: 604_800 }, ({ poolRecycle }) => poolRecycle),
  limit(
    'DB_TENANT_POOL_PER_TENANT',
    { most: 10_000 },
    ({ tenantPoolPerTenant }) => tenantPoolPerTenant,
  ),
  limit(
    'DB_TENANT_CONNECTION_TIMEOUT',
    { most: 3_600 },
    ({ tenantConnectionTimeout }) => tenantConnectionTimeout,
  ),
]

/** Slips, other notations, and anything at all. */
export const slips: readonly string[] = [
  '',
  ' ',
  'flase',
  'ture',
  'TRUE;',
  'enabled',
  'y',
  'null',
  'undefined',
  '2',
  '-1',
  '0',
  '1e3',
  '0x10',
  '5 seconds',
  '1.5',
  '99999999999',
  'Infinity',
  'NaN',
  '٥',
  '１',
  '1,000',
  '"true"',
  '+5',
]

export function anyText(): fc.Arbitrary<string> {
  return fc.oneof(fc.constantFrom(...slips), fc.string({ maxLength: 12 }), fc.integer().map(String))
}

/** An attack's row for each thing that the configuration then does, or says, and the text does not. */
export async function tryVariable(
  world: World,
  variable: Variable,
  text: string,
): Promise<Attempt> {
  const { operations } = await world.companion(operationsRig)
  const { name, read, meaning } = variable
  const wanted = meaning(text)
  return operated([
    await performed(`${name}=${JSON.stringify(text)}`, 'attack', () => {
      const taken = takenFor(() => read(operations.readConfiguration({ [name]: text })))
      if ('error' in taken) {
        // A refusal is right for nonsense, when it says what is to be mended.
        if (wanted === undefined && messageOf(taken.error).includes(name)) throw taken.error
        return Promise.resolve([{ variable: name, text, value: messageOf(taken.error) }])
      }
      return Promise.resolve(
        taken.value === wanted ? [] : [{ variable: name, text, value: taken.value }],
      )
    }),
  ])
}

function takenFor(
  read: () => boolean | number,
): { readonly value: boolean | number } | { readonly error: Error } {
  try {
    return { value: read() }
  } catch (error) {
    return { error: asError(error) }
  }
}

/** The positive control: a text that means something is obeyed. */
export async function obeyed(
  world: World,
  { name, read, meaning, sensible }: Variable,
): Promise<Attempt> {
  const { operations } = await world.companion(operationsRig)
  return operated([
    await performed(`${name}=${sensible}`, 'control', () => {
      const value = read(operations.readConfiguration({ [name]: sensible }))
      const changed = value !== read(operations.readConfiguration({}))
      return Promise.resolve<readonly Row[]>(
        changed && value === meaning(sensible) ? [{ variable: name, value }] : [],
      )
    }),
  ])
}
