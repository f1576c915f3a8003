import { expect, test } from 'vitest'
import {
  callsReplaced,
  columnsExchanged,
  conjunctsDropped,
  filtersDropped,
  operatorsSwapped,
} from './expressions.ts'

const textsOf = (list: readonly { readonly text: string }[]) => list.map(({ text }) => text)

test('every = outside of quotes becomes another operator, one at a time', () => {
  const texts = textsOf(operatorsSwapped(`((a = 'x = y') AND (b = c))`))
  expect(texts).toHaveLength(12)
  expect(texts).toContain(`((a <> 'x = y') AND (b = c))`)
  expect(texts).toContain(`((a = 'x = y') AND (b ~~ c))`)
})

test('one side of an AND is left out, and the brackets around it stay', () => {
  expect(textsOf(conjunctsDropped(`((a = 1) AND (b = f(1, 2)))`))).toEqual([
    `((b = f(1, 2)))`,
    `((a = 1))`,
    `((a = 1) OR (b = f(1, 2)))`,
  ])
  const query = `SELECT 1 FROM t JOIN u ON t.a = u.a AND t.b = u.b WHERE t.c = 1 GROUP BY t.a;`
  expect(textsOf(conjunctsDropped(query)).slice(0, 2)).toEqual([
    `SELECT 1 FROM t JOIN u ON t.b = u.b WHERE t.c = 1 GROUP BY t.a;`,
    `SELECT 1 FROM t JOIN u ON t.a = u.a WHERE t.c = 1 GROUP BY t.a;`,
  ])
})

test('a filter is left out up to where it ends', () => {
  const query = `SELECT x FROM (SELECT 1 AS x WHERE true) s WHERE (x = 1) GROUP BY x;`
  expect(textsOf(filtersDropped(query)).map((text) => text.replace(/\s+/g, ' '))).toEqual([
    `SELECT x FROM (SELECT 1 AS x ) s WHERE (x = 1) GROUP BY x;`,
    `SELECT x FROM (SELECT 1 AS x WHERE true) s GROUP BY x;`,
  ])
})

test('a call is replaced by its first argument, and a comparison looks at less', () => {
  const texts = textsOf(callsReplaced(`(a = NULLIF(f(x, ','), ''))`))
  expect(texts).toContain(`(a = f(x, ','))`)
  expect(texts).toContain(`left((a), 4) = left((NULLIF(f(x, ','), '')), 4)`)
  expect(textsOf(callsReplaced(`((a = b) AND (c = d))`))).toEqual([])
})

test('a column is exchanged where it is a column, not where it is part of a word or a text', () => {
  const text = `(id = 'id'::text) AND (t.id_of = id(1)) AND (paid = id)`
  expect(textsOf(columnsExchanged(text, { columns: ['id'], others: ['id', 'name'] }))).toEqual([
    `(name = 'id'::text) AND (t.id_of = id(1)) AND (paid = name)`,
  ])
})
