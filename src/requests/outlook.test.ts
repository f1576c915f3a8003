/** What is seen beyond a fresh connection, and which settings are asked for. */

import { expect, test } from 'vitest'
import { seenBeyond, settingNamesIn } from './outlook.ts'

test('rows that a fresh connection does not see are beyond it; refusals, no rows and fewer objects are not', () => {
  const fresh = { 'a.same': '2 17', 'a.closed': '0 0', 'a.gone': '1 5', 'a.other': '1 5' }
  const used = {
    'a.same': '2 17',
    'a.closed': '3 99',
    'a.other': '1 6',
    'a.new': '42501',
    'a.empty': '0 0',
  }
  expect(seenBeyond(used, fresh).map(({ address }) => address)).toEqual(['a.closed', 'a.other'])
})

test('every way of giving a setting of its own a value tells its name', () => {
  expect(settingNamesIn("SELECT set_config('App.Resolving', 'on', false)")).toEqual([
    'app.resolving',
  ])
  expect(settingNamesIn('BEGIN; SET LOCAL partner.id = 7; SET SESSION "x"."y" TO 1')).toEqual([
    'partner.id',
    'x.y',
  ])
  expect(settingNamesIn("SET statement_timeout = '5ms'; SELECT t.id FROM t")).toEqual([])
})
