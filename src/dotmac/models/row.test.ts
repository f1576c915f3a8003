import { expectTypeOf, test } from 'vitest'
import type { RowOf } from './row.ts'

test('the type of a row follows from the model: mixin, references, nullable columns', () => {
  expectTypeOf<RowOf<'isp_services'>['tenant_id']>().toEqualTypeOf<string>()
  expectTypeOf<RowOf<'isp_services'>['customer_id']>().toEqualTypeOf<string>()
  expectTypeOf<RowOf<'isp_services'>['notes']>().toEqualTypeOf<string | null>()
  expectTypeOf<RowOf<'isp_services'>>().not.toHaveProperty('deleted_at')
  expectTypeOf<RowOf<'monitoring_alerts'>['deleted_at']>().toEqualTypeOf<string | null>()
  expectTypeOf<RowOf<'audit_tenant_access'>>().not.toHaveProperty('updated_at')
  expectTypeOf<RowOf<'isp_reference_plans'>>().not.toHaveProperty('tenant_id')
})
