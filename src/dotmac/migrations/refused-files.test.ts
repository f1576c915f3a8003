import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { differenceFrom, migrationFiles } from './files.ts'

function folderWith(names: readonly string[], called = 'plain'): string {
  const base = mkdtempSync(join(tmpdir(), 'files-'))
  onTestFinished(() => {
    rmSync(base, { recursive: true })
  })
  const folder = join(base, called)
  mkdirSync(folder)
  for (const name of names) writeFileSync(join(folder, name), 'SELECT 1;\n')
  return folder
}

test.each([
  ['no file at all', [], /holds no migrations/],
  [
    'a file without do',
    ['001.do.a.sql', '002_vouchers.sql'],
    /"002_vouchers.sql" .* has no name that is known/,
  ],
  ['a DO in capitals', ['001.DO.a.sql'], /"001.DO.a.sql"/],
  ['a quote in the name', ["001.do.o'hara.sql"], /o'hara/],
  ['a script of JavaScript', ['001.do.a.js'], /"001.do.a.js"/],
  ['the same number twice', ['1.do.a.sql', '001.do.b.sql'], /have the version 1/],
  ['the number 0', ['000.do.a.sql'], /has the version 0/],
])('%s is refused instead of being left out', (_, names, sentence) => {
  expect(() => migrationFiles(folderWith(names))).toThrow(
    expect.objectContaining({
      code: 'WATERTIGHT_MIGRATION_FILES',
      message: expect.stringMatching(sentence) as string,
    }),
  )
})

test('a folder that is not there is refused, and files are read in the order of their numbers', () => {
  expect(() => migrationFiles('/nowhere/at/all')).toThrow(
    expect.objectContaining({ code: 'WATERTIGHT_MIGRATION_FILES' }),
  )
  const folder = folderWith([
    '10.do.c.sql',
    '9.do.b.sql',
    '9.undo.b.sql',
    '001.do.a.sql',
    'notes.txt',
  ])
  expect(migrationFiles(folder).map(({ version }) => version)).toEqual([1, 9, 10])
})

test('files that are gone, changed or late are told apart from those that wait', () => {
  const files = [1, 2, 3].map((version) => ({
    version,
    name: `${version}.do.x.sql`,
    md5: `m${version}`,
  }))
  const applied = [
    { version: 0, md5: null },
    { version: 1, md5: 'm1' },
    { version: 2, md5: 'm2' },
  ]
  expect(differenceFrom(files, applied)).toBe(null)
  expect(differenceFrom(files.slice(1), applied)).toMatch(/version 1 was run, and its file is gone/)
  expect(differenceFrom(files, [...applied, { version: 3, md5: 'else' }])).toMatch(
    /3.do.x.sql was changed/,
  )
  expect(
    differenceFrom(files, [
      { version: 1, md5: 'm1' },
      { version: 3, md5: 'm3' },
    ]),
  ).toMatch(/2.do.x.sql was never run, and version 3 was/)
})
