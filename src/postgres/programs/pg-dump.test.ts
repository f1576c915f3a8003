import { Readable } from 'node:stream'
import { expect, test } from 'vitest'
import { rowsInDump } from './pg-dump.ts'

test('rows of a dump are counted by table, whatever its name is', async () => {
  const dump = [
    'COPY public.plain (id, note) FROM stdin;',
    '1\tCOPY public.other (id) FROM stdin;',
    '2\t\\\\.',
    '\\.',
    '',
    'COPY public."odd ""name',
    ' (x) FROM stdin;" (a) FROM stdin;',
    '1',
    '\\.',
    'COPY public.empty (a) FROM stdin;',
    '\\.',
    '-- COPY "',
    'COPY public.last (a) FROM stdin;',
    '1',
    '2',
    '3',
    '\\.',
  ].join('\n')
  expect([...(await rowsInDump(Readable.from([dump])))]).toEqual([
    ['public.plain', 2],
    ['public."odd ""name\n (x) FROM stdin;"', 1],
    ['public.empty', 0],
    ['public.last', 3],
  ])
})
