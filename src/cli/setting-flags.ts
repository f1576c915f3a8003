/** Flags of a command, made from the table of settings; values come back as they were written. */

import type { Command } from 'commander'
import { definitions, type Settings } from '../config/settings.ts'
import { variableOf } from '../config/setting-names.ts'

export function addSettingFlags(command: Command, names: readonly (keyof Settings)[]): Command {
  for (const name of names) {
    const { flag, what, fallback } = definitions[name]
    const shown = Array.isArray(fallback) ? fallback.join(',') : fallback
    const text =
      shown === null || shown === false || shown === ''
        ? what
        : `${what} (default ${String(shown)})`
    command.option(flag, `${text} [${variableOf({ flag })}]`)
  }
  return command
}

/** Options by setting name; commander spells --bench-rows benchRows, as the settings do but for units. */
export function flagsGiven(
  command: Command,
  names: readonly (keyof Settings)[],
): Record<string, unknown> {
  const given = command.opts<Record<string, unknown>>()
  return Object.fromEntries(
    names.map((name) => {
      const long = /--([a-z-]+)/.exec(definitions[name].flag)?.[1] ?? ''
      return [name, given[long.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())]]
    }),
  )
}
