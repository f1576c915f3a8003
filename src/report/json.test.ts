/** report.json has one spelling: key order does not depend on how the report was put together. */

import { expect, test } from 'vitest'
import type { Report } from '../model/report.ts'
import { healthyReport } from '../../fixtures/records/build.ts'
import { renderJson } from './json.ts'

test('a report put together in another order gives the same bytes', () => {
  const report = healthyReport()
  const backwards = (value: object): object => Object.fromEntries(Object.entries(value).reverse())
  const reversed = backwards({ ...report, run: backwards(report.run) }) as Report
  expect(Object.keys(reversed)[0]).not.toBe('reportVersion')
  expect(renderJson(reversed)).toBe(renderJson(report))
})

test('it begins with its version, uses two spaces and ends with one line feed', () => {
  expect(renderJson(healthyReport())).toMatch(/^\{\n {2}"reportVersion": 1,\n[\s\S]*[^\n]\n$/)
})
