/** How a setting is called outside: its variable, and the error that names it. */

import { WatertightError } from '../errors.ts'

/** `--bench-rows <n>` gives `WATERTIGHT_BENCH_ROWS`. */
export function variableOf(definition: { readonly flag: string }): string {
  const long = /--([a-z-]+)/.exec(definition.flag)?.[1] ?? ''
  return `WATERTIGHT_${long.replaceAll('-', '_').toUpperCase()}`
}

export function badSetting(name: string, value: unknown, reason: string): WatertightError {
  return new WatertightError(
    'WATERTIGHT_BAD_SETTING',
    `${name} cannot be ${JSON.stringify(value)}: ${reason}`,
    { hint: 'See watertight run --help' },
  )
}
