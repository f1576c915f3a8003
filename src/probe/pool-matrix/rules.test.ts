import { expect, test } from 'vitest'
import { poolCells } from './cells.ts'
import { expected } from './rules.ts'

const all = [...poolCells('row-level-security'), ...poolCells('schema-per-tenant')]
const outcomeOf = (binding: string, ending: string, pooler: string, serverVersionNum = 180000) => {
  const cell = all.find((each) => each.binding.title === binding && each.ending === ending
    && `${each.setup.kind}: ${each.setup.title}` === pooler)
  if (cell === undefined) throw new Error(`no cell ${binding}, ${ending}, ${pooler}`)
  return expected(cell, { serverVersionNum }).outcome
}

test('the rules tell RESET ALL from DISCARD ALL, local from session settings, and 17 from 18', () => {
  expect(all).toHaveLength(960)
  expect(outcomeOf('SET', 'commit', 'pg pool: released as it is')).toBe('leaks')
  expect(outcomeOf('SET', 'commit', 'pg pool: RESET ALL on release')).toBe('safe')
  expect(outcomeOf('SET ROLE', 'commit', 'pg pool: RESET ALL on release')).toBe('leaks')
  expect(outcomeOf('SET ROLE', 'commit', 'pg pool: DISCARD ALL on release')).toBe('safe')
  expect(outcomeOf('SET LOCAL', 'rollback', 'pgbouncer transaction: defaults')).toBe('safe')
  expect(outcomeOf('SET LOCAL', 'cursor', 'pgbouncer transaction: defaults')).toBe('leaks')
  expect(outcomeOf('SET LOCAL without BEGIN', 'commit', 'pg pool: released as it is')).toBe('no effect')
  expect(outcomeOf('SET search_path', 'commit', 'pgbouncer transaction: track_extra_parameters')).toBe('safe')
  expect(outcomeOf('SET search_path', 'commit', 'pgbouncer transaction: track_extra_parameters', 170000)).toBe('leaks')
})
