import { expect, test } from 'vitest'
import { isTenantPredicate } from './tenant-predicate.ts'

const own = '((tenant_id)::text = ( SELECT current_tenant_id() AS current_tenant_id))'

test.each([
  own,
  `(${own})`,
  `(${own} AND is_active)`,
  `(is_active AND (${own} AND (name <> ' OR '::text)))`,
  "((tenant_id)::text = NULLIF(current_setting('app.current_tenant_id'::text, true), ''::text))",
  'public.check_tenant_access((tenant_id)::text)',
])('a comparison of the tenant may be narrowed: %s', (expression) => {
  expect(isTenantPredicate(expression)).toBe(true)
})

test.each([
  'true',
  `(${own} OR is_active)`,
  `(is_active OR (${own} AND is_active))`,
  `(NOT ${own})`,
  `((name = ' AND '::text) OR ${own})`,
  '((tenant_id)::text = (tenant_id)::text)',
  `((name = ' AND ${own} AND '::text))`,
  `(${own} AND is_active OR true)`,
  `CASE WHEN is_active THEN true ELSE ${own} END`,
  '',
])('whatever may open it is none: %s', (expression) => {
  expect(isTenantPredicate(expression)).toBe(false)
})
