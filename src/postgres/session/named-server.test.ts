/** A DSN is typed by hand and holds a password: both spellings must be read right and no secret repeated. */

import { afterEach, expect, test, vi } from 'vitest'
import { WatertightError } from '../../errors.ts'
import { namedServer } from './named-server.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

function faultOf(dsn: string): WatertightError {
  try {
    namedServer(dsn)
  } catch (error) {
    if (error instanceof WatertightError) return error
    throw error
  }
  throw new Error('it was accepted')
}

test('a URL and a keyword string that say the same give the same address', () => {
  const address = {
    host: 'db.example',
    port: 6543,
    user: 'ann',
    password: "p@ s'",
    options: '-c work_mem=5MB',
  }
  const url = namedServer(
    'postgres://ann:p%40%20s%27@db.example:6543/shop?options=-c%20work_mem%3D5MB',
  )
  const keywords = namedServer(
    "host=db.example port=6543 user=ann password='p@ s\\'' dbname = shop options='-c work_mem=5MB'",
  )
  expect(url).toMatchObject({ kind: 'named', address, database: 'shop', label: 'db.example:6543' })
  expect(keywords).toMatchObject({
    kind: 'named',
    address,
    database: 'shop',
    label: 'db.example:6543',
  })
})

test.each([
  ['postgres://h/d', undefined],
  ['postgres://h/d?sslmode=disable', false],
  ['postgres://h/d?sslmode=prefer', false],
  ['postgres://h/d?sslmode=require', { rejectUnauthorized: false }],
  ['host=h sslmode=require', { rejectUnauthorized: false }],
  ['postgres://h/d?sslmode=verify-full', {}],
])('%s asks for TLS as libpq would', (dsn, ssl) => {
  expect(namedServer(dsn).address.ssl).toEqual(ssl)
})

test('a socket directory is kept in both spellings', () => {
  const inQuery = namedServer('postgres:///d?host=/run/pg&port=5433&user=u')
  expect(inQuery.address).toMatchObject({ host: '/run/pg', port: 5433 })
  expect(namedServer('postgres://u@%2Frun%2Fpg/d').address.host).toBe('/run/pg')
  expect(namedServer('host=/run/pg user=u').label).toBe('/run/pg:5432')
  expect(namedServer('postgres://u@[::1]:5433/d')).toMatchObject({
    label: '[::1]:5433',
    address: { host: '::1' },
  })
})

test('what the DSN leaves out comes from the environment', () => {
  vi.stubEnv('PGHOST', 'elsewhere')
  vi.stubEnv('PGPORT', '7777')
  vi.stubEnv('PGUSER', 'eve')
  vi.stubEnv('PGPASSWORD', 'secret')
  vi.stubEnv('PGDATABASE', 'stock')
  expect(namedServer('postgres://')).toMatchObject({
    database: 'stock',
    address: { host: 'elsewhere', port: 7777, user: 'eve', password: 'secret' },
  })
})

test.each([
  '',
  'nonsense',
  'mysql://h/d',
  'host=a,b',
  'postgres://h:99999/d',
  'postgres://ann:hunter2@h:x/d',
  'port=abc',
  'hots=h',
  "host='h",
  'postgres://ann:hunter2@h/%',
  'postgres://ann:hunter2@[::1/d',
  'host=h sslmode=verify-ca',
  'postgres://ann:hunter2@h/d?sslrootcert=/no/such/file',
  'just some words',
  'postgres://ann:%zz hunter2@h/d?port=x',
])('%j is refused without repeating a secret', (dsn) => {
  const fault = faultOf(dsn)
  expect(fault.code).toBe('WATERTIGHT_BAD_TARGET')
  expect([fault.message, fault.hint, fault.stack, fault.cause].join(' ')).not.toContain('hunter2')
})
