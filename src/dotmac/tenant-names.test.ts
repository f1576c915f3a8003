import fc from 'fast-check'
import { expect, test } from 'vitest'
import { tenantNames } from './tenant-names.ts'

test("the seed document's example has the seed document's names", () => {
  expect(tenantNames('acme-corp-123')).toEqual({
    schema: 'tenant_acme_corp_123',
    role: 'tenant_acme_corp_123_role',
  })
})

/** Ids that differ in ways which normalisation forgets, and ids of any kind. */
const anyId = fc
  .oneof(
    fc.string({ unit: fc.constantFrom('a', 'A', '-', '_', '1', ' '), minLength: 1, maxLength: 8 }),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 80 }),
  )
  .filter((id) => id.trim() === id && id !== '' && !/\p{Cc}/u.test(id) && id.isWellFormed())

test('two names never share a schema or a role, and both fit into 63 bytes', () => {
  fc.assert(
    fc.property(anyId, anyId, (a, b) => {
      const [one, other] = [tenantNames(a), tenantNames(b)]
      expect(Buffer.byteLength(one.role)).toBeLessThanOrEqual(63)
      if (a !== b)
        expect([one.schema === other.schema, one.role === other.role]).toEqual([false, false])
    }),
    { seed: 42, numRuns: 5_000 },
  )
})

test.each(['', ' ', 'a\u0000b', 'x'.repeat(256), '\ud800', ' acme', 'acme\n'])(
  'the name %j is refused',
  (id) => {
    expect(() => tenantNames(id)).toThrow(
      expect.objectContaining({ code: 'WATERTIGHT_TENANT_NAME' }),
    )
  },
)
