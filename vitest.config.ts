/**
 * One runner for every test, two workers: a test may start its own PostgreSQL, and then it has a process of its own.
 * Tests that only compute share one module graph.
 */

import { defineConfig } from 'vitest/config'
import { LongestFirst } from './scripts/tests/longest-first.ts'
import { testsOf } from './scripts/tests/pure-tests.ts'

const report = process.env['WATERTIGHT_TEST_JSON']
const { all, pure } = testsOf(import.meta.dirname)

export default defineConfig({
  test: {
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    allowOnly: false,
    sequence: { sequencer: LongestFirst },
    reporters: report === undefined ? ['default'] : ['default', ['json', { outputFile: report }]],
    projects: [
      {
        extends: true,
        test: {
          name: 'machine',
          include: all.filter((path) => !pure.includes(path)),
          pool: 'forks',
          globalSetup: ['src/testing/bases-of-a-run.ts'],
        },
      },
      {
        extends: true,
        test: { name: 'pure', include: [...pure], pool: 'threads', isolate: false },
      },
    ],
  },
})
