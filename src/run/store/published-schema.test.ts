import Ajv2020 from 'ajv/dist/2020.js'
import { expect, test } from 'vitest'
import { publishedSchema, reportSchema } from '../../report/schema.ts'
import { decide } from '../../gate/decide.ts'
import { rulesFrom } from '../../gate/rules.ts'
import { reportOf } from '../../testing/door.ts'

test('a real report satisfies the published schema, and is decided the same from disk', async () => {
  const report = await reportOf('verify', { grep: 'catalog' })
  const stored: unknown = JSON.parse(JSON.stringify(report))
  const validate = new Ajv2020.default({ strict: false }).compile(publishedSchema())
  expect(validate(stored) ? [] : validate.errors).toEqual([])
  const { gates, verdict } = decide(reportSchema.parse(stored), rulesFrom({ allowPartial: true }))
  expect({ gates, verdict }).toEqual({ gates: report.gates, verdict: report.verdict })
}, 120_000)
