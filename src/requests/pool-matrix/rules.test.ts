import { expect, test } from 'vitest'
import { poolCells } from './cells.ts'
import { expected } from './rules.ts'

const all = [...poolCells('rows'), ...poolCells('places')]
const ruleOf = (
  binding: string,
  ending: string,
  pooler: string,
  { serverVersionNum = 180000, pgbouncerVersion = '1.18.0' } = {},
) => {
  const cell = all.find(
    (each) =>
      each.binding.title === binding &&
      each.ending === ending &&
      `${each.setup.kind}: ${each.setup.title}` === pooler,
  )
  if (cell === undefined) throw new Error(`no cell ${binding}, ${ending}, ${pooler}`)
  return expected(cell, {
    serverVersionNum,
    pgbouncerVersion: pooler.startsWith('pg pool') ? null : pgbouncerVersion,
  })
}
const outcomeOf = (...given: Parameters<typeof ruleOf>) => ruleOf(...given).outcome

test('the rules tell RESET ALL from DISCARD ALL, local from session settings, and 17 from 18', () => {
  expect(all).toHaveLength(960)
  expect(outcomeOf('SET', 'commit', 'pg pool: released as it is')).toBe('leaks')
  expect(outcomeOf('SET', 'commit', 'pg pool: RESET ALL on release')).toBe('safe')
  expect(outcomeOf('SET ROLE', 'commit', 'pg pool: RESET ALL on release')).toBe('leaks')
  expect(outcomeOf('SET ROLE', 'commit', 'pg pool: DISCARD ALL on release')).toBe('safe')
  expect(outcomeOf('SET LOCAL', 'rollback', 'pgbouncer transaction: defaults')).toBe('safe')
  expect(outcomeOf('SET LOCAL', 'cursor', 'pgbouncer transaction: defaults')).toBe('leaks')
  expect(outcomeOf('SET LOCAL without BEGIN', 'commit', 'pg pool: released as it is')).toBe(
    'no effect',
  )
  expect(
    outcomeOf('SET search_path', 'commit', 'pgbouncer transaction: track_extra_parameters'),
  ).toBe('safe')
  const old = { serverVersionNum: 170000 }
  expect(
    outcomeOf('SET search_path', 'commit', 'pgbouncer transaction: track_extra_parameters', old),
  ).toBe('leaks')
})

test('the rules say where the next request may name its statement again', () => {
  const name = (pooler: string, pgbouncerVersion?: string) =>
    ruleOf(
      'SET LOCAL',
      'named statement',
      pooler,
      pgbouncerVersion === undefined ? {} : { pgbouncerVersion },
    ).again
  expect(name('pg pool: released as it is')).toBe(null)
  expect(name('pg pool: DISCARD ALL on release')).toBe('26000')
  expect(name('pgbouncer transaction: defaults', '1.18.0')).toBe('42P05')
  expect(name('pgbouncer transaction: defaults', '1.24.1')).toBe(null)
  expect(name('pgbouncer session: defaults', '1.24.1')).toBe(null)
  expect(outcomeOf('SET LOCAL', 'named statement', 'pgbouncer transaction: defaults')).toBe(
    'refused',
  )
  expect(outcomeOf('SET', 'named statement', 'pgbouncer transaction: defaults')).toBe('leaks')
})
