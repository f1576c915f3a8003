/** The list of codes is closed by its type; nothing stands in it that nobody throws. */

import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { errorCodes } from './error-code.ts'

const sources = fileURLToPath(new URL('..', import.meta.url))

test('every code is one that somebody throws, once in the list and in order', () => {
  const text = readdirSync(sources, { recursive: true, encoding: 'utf8' })
    .filter((name) => /(?<!\.test)\.tsx?$/.test(name) && !name.endsWith('error-code.ts'))
    .map((name) => readFileSync(join(sources, name), 'utf8'))
    .join('\n')
  // Three are made from their end.
  const isThrown = (code: string) =>
    text.includes(`'${code}'`) || text.includes(`'${code.replace('WATERTIGHT_TOKEN_', '')}'`)
  expect(errorCodes.filter((code) => !isThrown(code))).toEqual([])
  expect(errorCodes).toEqual([...new Set(errorCodes)].sort())
})
