/** `watertight dotmac serve`: the HTTP service of the ISP database, until it is told to stop. */

import type { Command } from 'commander'
import { platformFlags, withPlatformFlags } from './platform-flags.ts'

export function addServe(dotmac: Command, finish: (code: number) => void): void {
  withPlatformFlags(dotmac.command('serve'))
    .description(
      "serve the ISP database over HTTP; the target's login must be the application's (dotmac_app)",
    )
    .requiredOption('--jwks <url>', "address of the issuer's keys (JWKS)")
    .requiredOption('--issuer <name>', 'issuer that tokens must name')
    .requiredOption('--audience <name>', 'audience that tokens must name')
    .option(
      '--reporting <dsn>',
      "the same server with the reporting role's login (dotmac_admin); default: no reports",
    )
    .option(
      '--trust-proxy <list>',
      'addresses or networks of proxies whose X-Forwarded-For is believed (10.0.0.0/8); ' +
        "default: none, the peer's address is the client's",
    )
    .option('--host <address>', 'address to listen on (default 127.0.0.1)')
    .option('--port <number>', 'port to listen on, 0 for a free one (default 8080)')
    .action(async (given: Record<string, unknown>) => {
      const { runServe } = await import('./run-serve.ts')
      finish(await runServe(given, platformFlags(given)))
    })
}
