/** What two policies of a table must have in common, so that PostgreSQL plans one expression instead of two. */

import { expect, test } from 'vitest'
import { fourPoliciesSql, hardenedCheck, hardenedPredicate } from './policies.ts'

test.each([{}, { hashPartitions: 4 }])(
  "an UPDATE is checked by the SELECT policy's expression, %j",
  (table) => {
    const sql = fourPoliciesSql('t', hardenedPredicate(table), hardenedCheck)
    const shown = /FOR SELECT USING (.*);/.exec(sql)?.[1]
    expect(shown).toBeDefined()
    expect(/FOR UPDATE USING .* WITH CHECK (\(tenant_id = .*\));/.exec(sql)?.[1]).toBe(shown)
  },
)
