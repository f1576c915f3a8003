import { expect, test } from 'vitest'
import { Admission } from './admission.ts'

test('tenants take turns whoever came first, and nobody exceeds its share', () => {
  const admission = new Admission({ total: 2, perTenant: 2 })
  const served: string[] = []
  const ask = (tenant: string) => admission.enter(tenant, () => served.push(tenant))
  for (const tenant of ['a', 'a', 'a', 'a', 'b', 'c', 'b']) ask(tenant)
  expect(served).toEqual(['a', 'a'])
  for (const tenant of ['a', 'a', 'b', 'a', 'c']) admission.leave(tenant)
  expect(served).toEqual(['a', 'a', 'b', 'a', 'c', 'b', 'a'])
})

test('who withdraws is not admitted, and leaves no queue behind', () => {
  const admission = new Admission({ total: 1, perTenant: 1 })
  const served: number[] = []
  admission.enter('a', () => served.push(1))
  const withdraw = admission.enter('a', () => served.push(2))
  admission.enter('a', () => served.push(3))
  expect([withdraw(), withdraw()]).toEqual([true, false])
  admission.leave('a')
  expect(served).toEqual([1, 3])
  expect([...admission.tenants()]).toEqual([['a', { busy: 1, waiting: 0 }]])
})
