/** A planted id that occurs twice breaks a load of millions of rows; one that looks random proves nothing. */

import { expect, test } from 'vitest'
import { plantedUuid, uuidPlanter } from './planted-uuid.ts'

const place = { seed: 1, tag: 'abcdef01', table: 'isp_customers' }

test('ids of a table begin with the tag, are version 8 and variant 1, and do not repeat in 300,000 rows', () => {
  const idOf = uuidPlanter(place)
  const ids = Array.from({ length: 300_000 }, (_, row) => idOf(row))
  expect(new Set(ids).size).toBe(ids.length)
  expect(
    ids.filter((id) => !/^abcdef01-[0-9a-f]{4}-8[0-9a-f]{3}-a[0-9a-f]{3}-[0-9a-f]{12}$/.test(id)),
  ).toEqual([])
})

test('the last eight digits alone tell rows apart: no hash decides whether two ids differ', () => {
  const idOf = uuidPlanter(place)
  expect(new Set(Array.from({ length: 300_000 }, (_, row) => idOf(row).slice(-8))).size).toBe(
    300_000,
  )
})

test('seed, tag, table and row each change the id, and nothing else does', () => {
  const ids = [
    plantedUuid(place, 1),
    plantedUuid(place, 2),
    plantedUuid({ ...place, seed: 2 }, 1),
    plantedUuid({ ...place, tag: 'abcdef02' }, 1),
    plantedUuid({ ...place, table: 'isp_services' }, 1),
  ]
  expect(new Set(ids.map((id) => id.slice(9))).size).toBe(ids.length)
  expect(uuidPlanter(place)(1)).toBe(ids[0])
})

test('the same place has the same id on every machine and in every release', () => {
  expect(plantedUuid(place, 17)).toBe('abcdef01-99b5-820b-aa60-f10da8c8771d')
})
