/** Runs the drills that were asked for, one after the other, and says what they measured. */

import { WatertightError } from '../../errors.ts'
import { drills, runDrill, type DrillResult } from '../../reference/platform/recovery-drill.ts'

/** Each result is handed over when it is there; returns the number of faults. @throws WATERTIGHT_BAD_FLAG. */
export async function runRecover(
  flags: Readonly<Record<string, unknown>>,
  say: (text: string) => void,
): Promise<number> {
  const wanted = flags['drill'] === true ? 'all' : String(flags['drill'])
  const mode = flags['mode'] ?? 'rls'
  const names = drills.filter((name) => wanted === 'all' || wanted === name)
  if (names.length === 0) throw badFlag('drill', wanted, ['all', ...drills])
  if (mode !== 'rls' && mode !== 'schema') throw badFlag('mode', String(mode), ['rls', 'schema'])
  const results: DrillResult[] = []
  for (const name of names) {
    const result = await runDrill(name, {
      tenancy: mode === 'rls' ? 'row-level-security' : 'schema-per-tenant',
    })
    results.push(result)
    if (flags['json'] !== true) say(told(result))
  }
  if (flags['json'] === true) say(JSON.stringify(results, null, 2))
  return results.reduce((sum, { faults }) => sum + faults.length, 0)
}

function told(result: DrillResult): string {
  const { drill, target, rpoSeconds, rtoSeconds, validatedSeconds, tenants, suites, faults } =
    result
  const verdict =
    faults.length === 0
      ? `${tenants} tenants as at the target, isolation holds`
      : faults.join('\n  ')
  return (
    `${drill}: to ${target}\n  RPO ${rpoSeconds.toFixed(3)} s of committed work lost, ` +
    `RTO ${rtoSeconds.toFixed(3)} s until rows and policies were proved, ` +
    `${validatedSeconds.toFixed(3)} s until the leak suites had answered\n  ` +
    `leak suites: ${suites.probes} probes, ${suites.cells} cells, ${suites.cases} cases\n  ${verdict}`
  )
}

function badFlag(flag: string, value: string, known: readonly string[]): WatertightError {
  return new WatertightError(
    'WATERTIGHT_BAD_FLAG',
    `--${flag} ${JSON.stringify(value)} is none of ${known.join(', ')}`,
    { hint: `Give one of ${known.join(', ')}` },
  )
}
