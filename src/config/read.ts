/** Options of flags, variables and the file become Settings; the origin of every value is kept. */

import { existsSync, readFileSync } from 'node:fs'
import { messageOf, WatertightError } from '../errors.ts'
import type { Origin, SettingEntry } from '../model/report.ts'
import { badSetting, variableOf } from './setting-names.ts'
import { definitions, quickDefaults, type Settings } from './settings.ts'

export interface ReadSettings {
  readonly settings: Settings
  readonly entries: Readonly<Record<string, SettingEntry>>
}

export interface Sources {
  /** Values of flags by setting name; undefined where no flag was given. */
  readonly flags: Readonly<Record<string, unknown>>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Content of the config file, {} when there is none. */
  readonly file: Readonly<Record<string, unknown>>
}

export const configFile = 'watertight.config.json'

/** Flag before variable before file before default. @throws WatertightError WATERTIGHT_BAD_SETTING. */
export function readSettings({ flags, env, file }: Sources): ReadSettings {
  const unknown = Object.keys(file).find((name) => !Object.hasOwn(definitions, name))
  if (unknown !== undefined)
    throw badSetting(unknown, file[unknown], `${configFile} knows no such setting`)
  const entries: Record<string, SettingEntry> = {}
  for (const [name, definition] of Object.entries(definitions)) {
    const candidates: readonly (readonly [Origin, unknown, string])[] = [
      ['flag', flags[name], definition.flag],
      ['env', env[variableOf(definition)], variableOf(definition)],
      ['file', file[name], `${name} in ${configFile}`],
    ]
    const given = candidates.find(([, value]) => value !== undefined)
    entries[name] =
      given === undefined
        ? { value: definition.fallback, origin: 'default' }
        : { value: parsed(definition, given[1], given[2]), origin: given[0] }
  }
  if (entries['quick']?.value === true) applyQuick(entries)
  const settings = Object.fromEntries(
    Object.entries(entries).map(([name, { value }]) => [name, value]),
  )
  return { settings: Object.freeze(settings) as unknown as Settings, entries }
}

/** Reads watertight.config.json of the folder. @throws WatertightError WATERTIGHT_BAD_CONFIG. */
export function readConfigFile(path: string = configFile): Readonly<Record<string, unknown>> {
  if (!existsSync(path)) return {}
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'))
    if (typeof content === 'object' && content !== null && !Array.isArray(content))
      return content as Record<string, unknown>
    throw new Error('it must hold one object')
  } catch (error) {
    throw new WatertightError(
      'WATERTIGHT_BAD_CONFIG',
      `${path} cannot be read: ${messageOf(error)}`,
      {
        hint: 'It holds one JSON object with setting names as in watertight run --help',
        cause: error,
      },
    )
  }
}

/** DSNs hold passwords: what is written down says only that one was given. */
export function printableEntries(
  entries: Readonly<Record<string, SettingEntry>>,
): Readonly<Record<string, SettingEntry>> {
  const { target } = entries
  if (target === undefined || target.value === null) return entries
  return { ...entries, target: { value: '[a server the user named]', origin: target.origin } }
}

function parsed(
  definition: { readonly parse: (raw: unknown) => unknown },
  raw: unknown,
  name: string,
): unknown {
  try {
    return definition.parse(raw)
  } catch (error) {
    throw badSetting(name, raw, messageOf(error))
  }
}

function applyQuick(entries: Record<string, SettingEntry>): void {
  for (const [name, value] of Object.entries(quickDefaults)) {
    const entry = entries[name]
    if (entry?.origin === 'default') entries[name] = { value, origin: 'default' }
  }
}
