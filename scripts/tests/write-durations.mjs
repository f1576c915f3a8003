/** Takes the durations of the test files from a JSON report: `node scripts/tests/write-durations.mjs REPORT`. */

import { readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'

const [report] = process.argv.slice(2)
if (report === undefined) {
  process.stderr.write('usage: WATERTIGHT_TEST_JSON=FILE npm test, then give FILE to this\n')
  process.exitCode = 2
} else {
  const { testResults } = JSON.parse(readFileSync(report, 'utf8'))
  const durations = testResults
    .map(({ name, startTime, endTime }) => [
      relative(process.cwd(), name),
      Math.round((endTime - startTime) / 100) * 100,
    ])
    .sort(([a, one], [b, other]) => other - one || (a < b ? -1 : 1))
  const text = JSON.stringify(Object.fromEntries(durations), null, 2)
  writeFileSync(new URL('durations.json', import.meta.url), `${text}\n`)
}
