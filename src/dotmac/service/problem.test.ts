import type { ErrorCode } from '../../model/error-code.ts'
import { expect, test } from 'vitest'
import { WatertightError } from '../../errors.ts'
import { problemOf, problemResponse } from './problem.ts'

const sqlstate = (code: string) =>
  Object.assign(new Error('host=db.internal relation "secret"'), { code })

test('a database that is gone or busy is 503, a bug is 500, and neither says anything about the inside', () => {
  const unreachable = new WatertightError('WATERTIGHT_UNREACHABLE', 'no db.internal:5432', {
    hint: '',
  })
  const gone = [
    sqlstate('57P01'),
    sqlstate('08006'),
    sqlstate('53300'),
    sqlstate('57014'),
    sqlstate('55P03'),
    sqlstate('40P01'),
    new Error('Connection terminated unexpectedly db.internal'),
    unreachable,
    Object.assign(new Error('connect ECONNREFUSED db.internal'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
    }),
    new WatertightError(
      'WATERTIGHT_POOL_TIMEOUT',
      'Tenant "a" waited for 70 connections of db.internal',
      { hint: '' },
    ),
    new AggregateError([sqlstate('42501'), unreachable]),
  ]
  const bugs = [
    new TypeError('db.internal is undefined'),
    sqlstate('42P01'),
    sqlstate('XX000'),
    sqlstate('42601'),
    new AggregateError([sqlstate('42501'), sqlstate('42P01')]),
    new WatertightError('WATERTIGHT_NOT_COMMITTED', 'db.internal', { hint: '' }),
  ]
  expect(gone.map((error) => problemOf(error).status)).toEqual(gone.map(() => 503))
  expect(bugs.map((error) => problemOf(error).status)).toEqual(bugs.map(() => 500))
  for (const error of [...gone, ...bugs]) {
    expect(JSON.stringify(problemOf(error))).not.toMatch(/db\.internal|secret|70|"a/)
  }
})

test('a 401 says how to authenticate, as RFC 6750 wants it, and never more than that', () => {
  const asked = (code: ErrorCode) =>
    problemResponse(problemOf(new WatertightError(code, 's', { hint: '' }))).headers.get(
      'www-authenticate',
    )
  expect(asked('WATERTIGHT_TOKEN_MISSING')).toBe('Bearer')
  expect(asked('WATERTIGHT_TOKEN_EXPIRED')).toBe('Bearer error="invalid_token"')
  expect(asked('WATERTIGHT_SCOPE')).toBe('Bearer error="insufficient_scope", scope="reporting"')
  expect(asked('WATERTIGHT_NOT_FOUND')).toBeNull()
})
