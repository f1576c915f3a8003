/** `watertight dotmac health`: the four checks on both databases; 0 healthy, 1 broken, 2 not reached, 3 undecided. */

import type { Command } from 'commander'
import { WatertightError } from '../../errors.ts'
import { platformFlags, withPlatformFlags } from './platform-flags.ts'

export function addHealth(dotmac: Command, finish: (code: number) => void): void {
  withPlatformFlags(dotmac.command('health').description('check tenant isolation of both databases'))
    .option('--app <dsn>', 'the application\'s own login (or WATERTIGHT_APP_TARGET)')
    .option('--tenants <count>', 'tenants asked, at least 2', '4')
    .option('--json', 'print JSON only')
    .action(async (given: Readonly<Record<string, unknown>>) => { finish(await health(given)) })
}

async function health(given: Readonly<Record<string, unknown>>): Promise<number> {
  const [{ platformTarget }, { checkPlatform }] = await Promise.all([
    import('../../run/platform-target.ts'), import('../../run/platform-health.ts')])
  const target = platformTarget(platformFlags(given))
  const app = typeof given['app'] === 'string' ? given['app'] : process.env['WATERTIGHT_APP_TARGET']
  if (app === undefined || app === '') {
    throw new WatertightError('WATERTIGHT_NO_TARGET', 'The health checks ask as the application and need its login', {
      hint: 'Give --app postgres://dotmac_app:password@host:port or set WATERTIGHT_APP_TARGET',
    })
  }
  const tenants = Number(given['tenants'])
  if (!Number.isInteger(tenants) || tenants < 2 || tenants > 1000) {
    throw new WatertightError('WATERTIGHT_BAD_FLAG', `--tenants ${JSON.stringify(given['tenants'])} is not 2 to 1000`, {
      hint: 'Give a whole number of at least 2: with one tenant nothing is foreign',
    })
  }
  const { exitCode, services } = await checkPlatform(target, { app: platformTarget({ target: app }).address, tenants })
  if (given['json'] === true) console.log(JSON.stringify({ exitCode, services }, null, 2))
  else {
    for (const [service, { checks }] of Object.entries(services)) {
      for (const check of checks) {
        console.log(`${service} ${check.name}: ${check.ok ? 'ok' : 'NOT ok'} ${JSON.stringify(check.lookedAt)}`)
        for (const finding of check.findings) console.log(`  ${finding}`)
      }
    }
  }
  return exitCode
}
