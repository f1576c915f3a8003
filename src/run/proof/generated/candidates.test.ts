import { expect, test } from 'vitest'
import type { Anatomy, AnatomyPolicy, AnatomyRelation } from './anatomy.ts'
import { candidatesOf, sampleOf } from './candidates.ts'

const column = { type: 'text', notNull: true, default: null, common: null }
const relation: AnatomyRelation = {
  schema: 'shop',
  name: 'Orders of all',
  kind: 'r',
  isPartition: false,
  owner: 'keeper',
  rowSecurity: true,
  forced: true,
  options: [],
  query: null,
  columns: [
    { ...column, name: 'holder' },
    { ...column, name: 'note', common: `it's` },
  ],
  grants: [{ grantee: 'visitor', privilege: 'SELECT' }],
}
const policy: AnatomyPolicy = {
  schema: 'shop',
  relation: 'Orders of all',
  name: 'mine',
  command: 'SELECT',
  permissive: true,
  roles: [''],
  using: `(holder = NULLIF(current_setting('shop.holder'::text, true), ''::text))`,
  check: null,
  columns: ['holder'],
}
const anatomy: Anatomy = {
  relations: [relation],
  policies: [policy],
  functions: [],
  triggers: [],
  keys: [],
  schemas: [{ name: 'shop', owner: 'keeper', grants: [] }],
  roles: ['keeper', 'visitor'],
  predefined: [],
}
const world = { tenancy: 'row-level-security', service: 'isp' } as const
const sqlOf = (list: readonly { readonly sql: string }[]) => list.map(({ sql }) => sql)

test('edits are made of what is there, in the names of that database', () => {
  const sql = sqlOf(candidatesOf(anatomy, world))
  expect(sql).toContain('ALTER TABLE "shop"."Orders of all" DISABLE ROW LEVEL SECURITY;')
  expect(sql).toContain('ALTER POLICY "mine" ON "shop"."Orders of all" USING (true);')
  const using = 'ALTER POLICY "mine" ON "shop"."Orders of all" USING'
  expect(sql).toContain(`${using} ((holder = current_setting('shop.holder'::text, true)));`)
  expect(sql).toContain(
    `${using} ((note = NULLIF(current_setting('shop.holder'::text, true), ''::text)));`,
  )
  expect(sql).toContain('GRANT UPDATE ("note") ON "shop"."Orders of all" TO "visitor";')
  expect(sql).toContain('ALTER ROLE "visitor" BYPASSRLS;')
  expect(sql.filter((each) => /isp|tenant|dotmac/.test(each))).toEqual([])
})

test('a sample follows from the seed, a larger one holds the smaller, and no kind is crowded out', () => {
  const candidates = candidatesOf(anatomy, world)
  const draw = (seed: number, size: number) => sampleOf(candidates, { seed, size })
  expect(draw(7, 12)).toEqual(draw(7, 12))
  expect(sampleOf(candidatesOf(anatomy, world), { seed: 7, size: 12 })).toEqual(draw(7, 12))
  expect(draw(7, 20).slice(0, 12)).toEqual(draw(7, 12))
  expect(sqlOf(draw(8, 12))).not.toEqual(sqlOf(draw(7, 12)))
  const kinds = new Set(candidates.map(({ kind }) => kind))
  expect(new Set(draw(7, kinds.size).map(({ kind }) => kind))).toEqual(kinds)
  expect(draw(7, 100_000)).toHaveLength(candidates.length)
})
