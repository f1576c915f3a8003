/** A tenant is a customer of the platform; its id is hostile text and is never normalised. */

export type TenantId = string

export interface Tenant {
  /** Exact, case-sensitive id as stored in tenant_id; 1-255 characters. */
  readonly id: TenantId
  /** Position in the seed plan, from 0; tenants 0 and 1 are acme-corp-123 and globex-456. */
  readonly ordinal: number
  /** First eight hex digits of every planted uuid of this tenant. */
  readonly tag: string
  /** Watermark carried by the natural keys (emails, serials, invoice numbers) of this tenant. */
  readonly watermark: string
  /** Schema of this tenant under schema-per-tenant, at most 58 bytes. */
  readonly schema: string
  /** Role of this tenant under schema-per-tenant, at most 63 bytes. */
  readonly role: string
}
