import { expect, test } from 'vitest'
import { drills, runDrill } from './recovery-drill.ts'

test.each(drills)('the %s drill brings every tenant back to the target, isolated', async (name) => {
  const result = await runDrill(name, { rows: 60, tenants: 3 })
  expect(result.faults).toEqual([])
  expect(result.tenants).toBe(3)
  // Point in time loses nothing that was committed before the mistake; the others lose what came after the point.
  if (name === 'pitr') expect(result.rpoSeconds).toBe(0)
  else expect(result.rpoSeconds).toBeGreaterThan(0)
}, 120_000)
