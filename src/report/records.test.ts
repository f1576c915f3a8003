/** The frozen records are what the builder builds, fit the published schema and agree with the gate. */

import { Ajv2020 } from 'ajv/dist/2020.js'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { decide } from '../gate/decide.ts'
import { defaultRules } from '../gate/rules.ts'
import { healthyReport, leakingReport, partialReport } from '../../fixtures/records/build.ts'
import { renderJson } from './json.ts'
import { publishedSchema, reportSchema } from './schema.ts'

const schemaFile = fileURLToPath(new URL('report.schema.json', import.meta.url))
const recordFile = (name: string) =>
  fileURLToPath(new URL(`../../fixtures/records/${name}.json`, import.meta.url))
const records = { healthy: healthyReport, leaking: leakingReport, partial: partialReport }

test('the published schema is the one the code uses', async () => {
  await expect(`${JSON.stringify(publishedSchema(), null, 2)}\n`).toMatchFileSnapshot(schemaFile)
})

describe.each(Object.entries(records))('%s', (name, build) => {
  test('is frozen', async () => {
    await expect(renderJson(build())).toMatchFileSnapshot(recordFile(name))
  })

  test('fits the published schema, as another language would read it', async () => {
    const validate = new Ajv2020({ strict: false, validateFormats: false }).compile(
      JSON.parse(await readFile(schemaFile, 'utf8')) as object,
    )
    const record = JSON.parse(await readFile(recordFile(name), 'utf8')) as Record<string, unknown>
    expect(validate(record), JSON.stringify(validate.errors)).toBe(true)
    expect(validate({ ...record, gates: [{}] })).toBe(false)
    expect(validate({ ...record, verdict: undefined })).toBe(false)
  })

  test('is read where it says nothing of the ways in which probes asked', async () => {
    const text = await readFile(recordFile(name), 'utf8')
    const without = text.replaceAll(/"way": "[a-z ]+",\s*/g, '')
    expect(without).not.toBe(text)
    expect(reportSchema.parse(JSON.parse(without))).toEqual(build())
  })

  test('survives being read back', async () => {
    const read = reportSchema.parse(JSON.parse(await readFile(recordFile(name), 'utf8')))
    expect(read).toEqual(build())
    expect(decide(read, defaultRules)).toEqual({ gates: read.gates, verdict: read.verdict })
  })
})
