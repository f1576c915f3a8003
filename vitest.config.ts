/** One runner for every test: few workers, because each file may start its own PostgreSQL. */

import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['src/**/*.test.{ts,tsx}', 'suites/**/*.test.ts', 'scripts/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    passWithNoTests: false,
    allowOnly: false,
    reporters:
      process.env.WATERTIGHT_TEST_JSON === undefined
        ? ['default']
        : ['default', ['json', { outputFile: process.env.WATERTIGHT_TEST_JSON }]],
  },
})
