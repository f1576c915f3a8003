/** The flags that every operation of the platform takes. */

import type { Command } from 'commander'
import type { PlatformFlags } from '../../reference/platform/platform-target.ts'

export function withPlatformFlags(command: Command): Command {
  return command
    .option('-t, --target <dsn>', 'server of the platform (or WATERTIGHT_TARGET)')
    .option('--mode <tenancy>', 'rls or schema (default rls)')
    .option('--management <database>', 'management database (default dotmac_management)')
    .option('--isp <database>', 'ISP database (default dotmac_isp)')
}

/** The flag, or else the variable of the same meaning. */
export function platformFlags(given: Readonly<Record<string, unknown>>): PlatformFlags {
  const text = (name: string) => (typeof given[name] === 'string' ? { [name]: given[name] } : {})
  const fallback = process.env['WATERTIGHT_TARGET']
  return {
    ...(fallback === undefined ? {} : { target: fallback }),
    ...text('target'),
    ...text('mode'),
    ...text('management'),
    ...text('isp'),
  }
}
