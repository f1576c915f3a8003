/** Schema and role names of a tenant: the seed's names where they are unambiguous, hashed elsewhere. */

import { createHash } from 'node:crypto'
import { WatertightError } from '../errors.ts'

/** PostgreSQL cuts identifiers at 63 bytes; the role is the schema plus `_role`. */
const schemaBytesMax = 58
/** Lower-case words joined by single hyphens: on these the seed's replace('-', '_') is injective. */
const canonical = /^[a-z0-9]+(-[a-z0-9]+)*$/

export interface TenantNames {
  readonly schema: string
  readonly role: string
}

/**
 * `acme-corp-123` gives `tenant_acme_corp_123` and `tenant_acme_corp_123_role`, as the seed says.
 * Any other name gets a readable part, two underscores (which no canonical name can produce) and
 * 64 bits of SHA-256, so that no two names ever share a schema.
 * @throws WatertightError WATERTIGHT_TENANT_NAME when the name cannot be stored or told apart.
 */
export function tenantNames(id: string): TenantNames {
  assertServable(id)
  const plain = `tenant_${id.replaceAll('-', '_')}`
  const schema = canonical.test(id) && plain.length <= schemaBytesMax ? plain : hashed(id)
  return { schema, role: `${schema}_role` }
}

/** @throws WatertightError WATERTIGHT_TENANT_NAME when the tenants table cannot hold or a screen not show the name. */
export function assertDisplayName(name: string): void {
  const isGood =
    typeof name === 'string' &&
    name.trim() !== '' &&
    name.length <= 255 &&
    name.isWellFormed() &&
    !/\p{Cc}/u.test(name)
  if (isGood) return
  throw new WatertightError(
    'WATERTIGHT_TENANT_NAME',
    `A display name ${shown(name)} cannot be shown`,
    {
      hint: 'Use 1 to 255 characters of valid Unicode without control characters, and not only blanks',
    },
  )
}

function hashed(id: string): string {
  const digest = createHash('sha256').update(id, 'utf8').digest('hex').slice(0, 16)
  const readable = id
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 30)
  return `tenant_${readable.replace(/_+$/, '')}__${digest}`
}

function assertServable(id: string): void {
  const refuse = (reason: string): never => {
    throw new WatertightError(
      'WATERTIGHT_TENANT_NAME',
      `The tenant name ${shown(id)} cannot be served: ${reason}`,
      {
        hint: 'Use 1 to 255 characters of valid Unicode without control characters or outer blanks',
      },
    )
  }
  if (typeof id !== 'string') refuse('it is no text')
  if (id === '') refuse('it is empty, and an empty context means no tenant')
  if (id.length > 255) refuse(`it has ${id.length} characters, more than tenant_id holds (255)`)
  if (!id.isWellFormed()) refuse('it is not well-formed Unicode')
  if (/\p{Cc}/u.test(id)) refuse('it contains control characters')
  if (id.trim() !== id) refuse('outer blanks are lost or ignored by some types and tools')
}

/** Callers without types hand over anything. */
function shown(id: unknown): string {
  return typeof id === 'string' ? JSON.stringify(id.slice(0, 80)) : `of type ${typeof id}`
}
