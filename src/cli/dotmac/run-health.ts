/** Asks the checks and prints what each saw. */

import type { HealthCheck } from '../../dotmac/health/health-check.ts'
import { isLost, sentenceOf } from '../../dotmac/tenants-here.ts'
import { WatertightError } from '../../errors.ts'
import { visible } from '../../report/text.ts'
import { checkPlatform } from '../../reference/platform/platform-health.ts'
import { platformTarget, type PlatformFlags } from '../../reference/platform/platform-target.ts'

/** Exit 0 healthy, 1 broken, 3 undecided. @throws as checkPlatform, and WATERTIGHT_NO_TARGET, WATERTIGHT_BAD_FLAG. */
export async function runHealth(
  given: Readonly<Record<string, unknown>>,
  flags: PlatformFlags,
): Promise<number> {
  const target = platformTarget(flags)
  const app = typeof given['app'] === 'string' ? given['app'] : process.env['WATERTIGHT_APP_TARGET']
  if (app === undefined || app === '') {
    throw new WatertightError(
      'WATERTIGHT_NO_TARGET',
      'The health checks ask as the application and need its login',
      { hint: 'Give --app postgres://dotmac_app:password@host:port or set WATERTIGHT_APP_TARGET' },
    )
  }
  const asked = /^\d{1,4}$/.test(String(given['tenants'])) ? Number(given['tenants']) : Number.NaN
  if (!(asked >= 2 && asked <= 1000)) {
    throw new WatertightError(
      'WATERTIGHT_BAD_FLAG',
      `--tenants ${JSON.stringify(given['tenants'])} is not 2 to 1000`,
      { hint: 'Give a whole number of at least 2: with one tenant nothing is foreign' },
    )
  }
  const health = await checkPlatform(target, {
    app: platformTarget({ target: app }).address,
    tenants: asked,
  })
  if (given['json'] === true) {
    console.log(JSON.stringify(health, null, 2))
    return health.exitCode
  }
  const { tenants } = health
  console.log(`${tenants.known} tenants, statements tried as ${tenants.asked}`)
  for (const each of tenants.without.filter((one) => !isLost(one)))
    console.log(visible(sentenceOf(each)))
  for (const [service, { checks }] of Object.entries(health.services)) {
    for (const check of checks) console.log(told(service, check))
  }
  return health.exitCode
}

function told(service: string, { name, ok, findings, unjudged, lookedAt }: HealthCheck): string {
  const unseen = Object.entries(lookedAt)
    .filter(([, count]) => count === 0)
    .map(([what]) => what)
  const word = ok ? 'ok' : findings.length > 0 ? 'NOT ok' : 'undecided'
  const counts = Object.entries(lookedAt)
    .map(([what, count]) => `${what} ${count}`)
    .join(', ')
  return [
    `${service} ${name}: ${word} (${counts})`,
    ...findings.map((finding) => `  ${visible(finding)}`),
    ...unjudged.map((sentence) => `  not judged: ${visible(sentence)}`),
    ...(ok
      ? []
      : unseen.map((what) => `  not judged: ${what} were 0, so nothing is known of them`)),
  ].join('\n')
}
