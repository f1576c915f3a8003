import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nested, nestings } from './nesting.ts'

test('wrappers keep the SELECT they wrap, and every one has a name of its own', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...nestings), { maxLength: 4 }), (wrappers) => {
      const sql = nested('SELECT secret FROM somewhere', wrappers)
      expect(sql).toContain('SELECT secret FROM somewhere')
      expect(sql.split('(').length).toBe(sql.split(')').length)
      for (const depth of wrappers.keys()) expect(sql).toContain(`n${depth}`)
    }),
  )
  expect(nested('SELECT 1', [])).toBe('SELECT 1')
})
