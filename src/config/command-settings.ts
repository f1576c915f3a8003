/** Which command takes which setting: a flag that would mean nothing is refused. */

import type { Settings } from './settings.ts'

export type SettingName = keyof Settings
type ExecutedName = 'run' | 'verify' | 'prove' | 'bench' | 'seed'

const site = ['target', 'server', 'seed', 'quick', 'keep', 'output', 'timeMs'] as const
const worlds = ['mode', 'tenants', 'rows'] as const
const attacks = ['runs', 'statementTimeoutMs', 'pgbouncer', 'timing'] as const
const search = ['grep', 'allowPartial', 'claims', 'failOn', 'workers'] as const
const proof = ['mutants', 'controls'] as const
const speed = ['benchRows', 'benchMs', 'maxOverhead'] as const
const report = ['reporter'] as const

/** In the order of --help. */
export const settingsOf: Readonly<Record<ExecutedName, readonly SettingName[]>> = {
  run: [
    ...site,
    ...worlds,
    ...attacks,
    ...search,
    ...proof,
    'generated',
    ...speed,
    'strict',
    ...report,
  ],
  verify: [...site, ...worlds, ...attacks, ...search, 'strict', ...report],
  prove: [...site, ...worlds, ...attacks, ...proof, 'sample', 'generated', ...report],
  bench: [...site, 'tenants', ...speed, 'strict', ...report],
  seed: [...site, ...worlds],
}
