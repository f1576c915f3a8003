/** Runs the benchmark of the platform, says each value when it is there, and ends with the worst verdict. */

import { WatertightError } from '../../errors.ts'
import {
  benchPlatform,
  type Bounded,
  type BoundVerdict,
} from '../../reference/platform/platform-bench.ts'

const exitCodes: Readonly<Record<BoundVerdict, number>> = { met: 0, missed: 1, undecided: 3 }

export async function runBench(
  given: Readonly<Record<string, unknown>>,
  say: (text: string) => void,
): Promise<number> {
  const isJson = given['json'] === true
  const found: Bounded[] = []
  const options = {
    rows: whole(given, 'rows', { least: 6_000, most: 100_000_000 }),
    tenantRows: whole(given, 'tenantRows', { least: 100, most: 100_000_000 }),
    rounds: whole(given, 'rounds', { least: 8, most: 1_000 }),
    overheadMs: 1_000 * whole(given, 'seconds', { least: 1, most: 36_000 }),
  }
  for await (const each of benchPlatform(options)) {
    found.push(each)
    if (!isJson) say(lineOf(each))
  }
  if (isJson) say(JSON.stringify(found, null, 2))
  const codes = found.map(({ verdict }) => exitCodes[verdict])
  return codes.includes(1) ? 1 : Math.max(3 * Number(codes.length === 0), ...codes)
}

function lineOf({ title, value, interval: { low, high }, bound, verdict, note }: Bounded): string {
  const wanted = 'atMost' in bound ? `at most ${bound.atMost}` : `at least ${bound.atLeast}`
  const range = `${low.toFixed(2)} to ${high.toFixed(2)}`
  return `${verdict.padEnd(9)} ${title}\n          ${value.toFixed(2)} (${range}), ${wanted}; ${note}`
}

function whole(
  given: Readonly<Record<string, unknown>>,
  name: string,
  { least, most }: { least: number; most: number },
): number {
  const value = /^\d{1,9}$/.test(String(given[name])) ? Number(given[name]) : Number.NaN
  if (value >= least && value <= most) return value
  const flag = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw new WatertightError(
    'WATERTIGHT_BAD_FLAG',
    `--${flag} ${JSON.stringify(given[name])} is no whole number from ${least} to ${most}`,
    { hint: `Give a number from ${least} to ${most}` },
  )
}
