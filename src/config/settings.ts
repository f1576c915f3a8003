/** Every setting of the tool in one table: flag, variable, default, bounds and meaning. */

import { failOnLevels, type FailOn } from '../gate/rules.ts'
import { channels, type Channel } from '../model/channel.ts'
import { tenancies, type TenancyName } from '../model/tenancy.ts'
import {
  choice,
  flag,
  integer,
  list,
  number,
  optionalDuration,
  optionalText,
  text,
  type SettingDefinition,
} from './parse.ts'

export interface Settings {
  /** DSN of a server that the user names; null starts the embedded one. */
  readonly target: string | null
  /** Versions of the embedded server; empty for the installed one. */
  readonly server: readonly string[]
  readonly mode: readonly TenancyName[]
  readonly seed: number
  readonly tenants: number
  readonly rows: number
  readonly runs: number
  readonly quick: boolean
  readonly keep: boolean
  readonly output: string
  /** Texts of which a probe's name contains one, separated by commas. */
  readonly grep: string | null
  /** A run that was asked for a part of the probes may hold. */
  readonly allowPartial: boolean
  readonly reporter: readonly string[]
  readonly benchRows: number
  readonly benchMs: number
  /** Inherent channels that the target claims to have closed: what is seen there is then a finding. */
  readonly claims: readonly Channel[]
  /** Measure whether answer times reveal what is hidden. */
  readonly timing: boolean
  readonly failOn: FailOn
  readonly strict: boolean
  readonly maxOverhead: number
  /** Path of a pgbouncer that must be used; null takes one if it is found. */
  readonly pgbouncer: string | null
  readonly mutants: string | null
  readonly controls: string | null
  /** Mutants of a proof beside one of each probe; 0 tries all. */
  readonly sample: number
  /** Generated mutants that prove tries beside those of the folders; 0 tries none. */
  readonly generated: number
  readonly statementTimeoutMs: number
  /** Null when it was not given. */
  readonly timeMs: number | null
  readonly workers: number
}

type Definitions = { readonly [Key in keyof Settings]: SettingDefinition<Settings[Key]> }

const modeNames: Readonly<Record<string, TenancyName>> = {
  rls: 'row-level-security',
  'row-level-security': 'row-level-security',
  schema: 'schema-per-tenant',
  'schema-per-tenant': 'schema-per-tenant',
}

export const definitions: Definitions = {
  target: {
    flag: '-t, --target <dsn>',
    what: 'PostgreSQL 14-18 server to use; default: start an embedded one',
    ...optionalText(),
  },
  server: {
    flag: '--server <list>',
    what: 'versions of the embedded server (15.1 or 17), downloaded once; prove takes several: 15.1,16.4',
    ...list<string>(null, []),
  },
  mode: {
    flag: '--mode <list>',
    what: 'tenancies to judge: rls, schema',
    ...list(modeNames, tenancies),
  },
  seed: {
    flag: '--seed <n>',
    what: 'seed of data and of the search',
    ...integer(42, 0, 2_147_483_647),
  },
  tenants: {
    flag: '--tenants <n>',
    what: 'tenants, hostile names among them',
    ...integer(12, 2, 1_000),
  },
  rows: {
    flag: '--rows <n>',
    what: 'rows of an average tenant per database',
    ...integer(400, 1, 1_000_000),
  },
  runs: {
    flag: '--runs <n>',
    what: 'random cases per cell beside the fixed ones; 0 asks nothing',
    ...integer(20, 0, 100_000),
  },
  quick: {
    flag: '--quick',
    what: 'fewer cases, smaller benchmarks, one mutant per probe',
    ...flag(),
  },
  keep: { flag: '--keep', what: 'keep the scratch databases of --target', ...flag() },
  output: { flag: '-o, --output <dir>', what: 'directory of the reports', ...text('reports') },
  grep: {
    flag: '--grep <list>',
    what: 'only probes whose name contains one of these texts: reads,context/',
    ...optionalText(),
  },
  allowPartial: {
    flag: '--allow-partial',
    what: 'a run of a part of the probes may hold, and says so; without it that is inconclusive',
    ...flag(),
  },
  reporter: {
    flag: '-r, --reporter <list>',
    what: 'report formats to write',
    ...list(null, ['html', 'json']),
  },
  benchRows: {
    flag: '--bench-rows <n>',
    what: 'rows of the benchmark tables',
    ...integer(80_000, 1_000, 100_000_000),
  },
  benchMs: {
    flag: '--bench-ms <ms>',
    what: 'time for all benchmarks together',
    ...integer(10_000, 500, 3_600_000),
  },
  claims: {
    flag: '--claims <list>',
    what: `channels that are claimed to be closed: ${channels.join(', ')}`,
    ...list(Object.fromEntries(channels.map((name) => [name, name])), [] as readonly Channel[]),
  },
  timing: {
    flag: '--timing',
    what: 'measure whether answer times tell of foreign rows',
    ...flag(),
  },
  failOn: {
    flag: '--fail-on <severity>',
    what: 'least severity that shuts the gate',
    ...choice<FailOn>(failOnLevels, 'medium'),
  },
  strict: {
    flag: '--strict',
    what: 'demand every pooler tested and every comparison decided',
    ...flag(),
  },
  maxOverhead: {
    flag: '--max-overhead <ratio>',
    what: 'largest cost of hardened row security against a plain query',
    ...number(2, 1, 1_000),
  },
  pgbouncer: {
    flag: '--pgbouncer <path>',
    what: 'pgbouncer that must be tested; default: one that is found',
    ...optionalText(),
  },
  mutants: {
    flag: '--mutants <dir>',
    what: 'mutants for prove; default: the shipped ones',
    ...optionalText(),
  },
  controls: {
    flag: '--controls <dir>',
    what: 'controls for prove; default: the shipped ones',
    ...optionalText(),
  },
  sample: {
    flag: '--sample <n>',
    what: 'prove with this many mutants, drawn by the seed, beside one of each probe; 0 tries all',
    ...integer(0, 0, 100_000),
  },
  generated: {
    flag: '--generated <n>',
    what: 'prove with this many mutants that nobody wrote by hand, drawn from the catalogs by the seed',
    ...integer(0, 0, 100_000),
  },
  statementTimeoutMs: {
    flag: '--statement-timeout <ms>',
    what: 'limit of one statement of an attack',
    ...integer(10_000, 1, 600_000),
  },
  timeMs: {
    flag: '--time <duration>',
    what: 'verify searches on until then (5m, 90s); limit of every other command, 1h by default',
    ...optionalDuration(1_000, 86_400_000),
  },
  workers: {
    flag: '--workers <n>',
    what: 'threads that search, each on databases of its own',
    ...integer(1, 1, 64),
  },
}

/** What --quick changes, unless the setting was given on its own. */
export const quickDefaults: Partial<Settings> = {
  tenants: 8,
  runs: 4,
  rows: 150,
  benchRows: 16_000,
  benchMs: 3_000,
}
