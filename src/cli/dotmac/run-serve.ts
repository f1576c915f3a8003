/** Runs the service in the foreground; SIGINT and SIGTERM end it after the requests that run. */

import { messageOf, sqlstateOf, WatertightError } from '../../errors.ts'
import { visible } from '../../report/text.ts'
import { openService } from '../../reference/platform/platform-service.ts'
import { platformTarget, type PlatformFlags } from '../../reference/platform/platform-target.ts'

/** Exit 130 or 143 by the signal that ended it. */
export async function runServe(
  given: Readonly<Record<string, unknown>>,
  flags: PlatformFlags,
): Promise<number> {
  const text = (name: string) => (typeof given[name] === 'string' ? given[name] : null)
  const target = platformTarget(flags)
  const reporting = text('reporting')
  const service = await openService(target, {
    jwks: urlOf(text('jwks') ?? ''),
    issuer: text('issuer') ?? '',
    audience: text('audience') ?? '',
    hostname: text('host') ?? '127.0.0.1',
    port: portOf(text('port') ?? '8080'),
    variables: process.env,
    reporting: reporting === null ? null : platformTarget({ ...flags, target: reporting }),
    trustedProxies: (text('trustProxy') ?? '').split(',').filter((each) => each.trim() !== ''),
    onError: (error) => {
      console.error(`${new Date().toISOString()} ${visible(faultText(error))}`)
    },
  })
  const host = text('host') ?? '127.0.0.1'
  console.log(`listening on http://${host.includes(':') ? `[${host}]` : host}:${service.port}`)
  const code = await new Promise<number>((resolve) => {
    process.once('SIGINT', () => {
      resolve(130)
    })
    process.once('SIGTERM', () => {
      resolve(143)
    })
  })
  await service.close()
  // What still waits for a server that stands still must not keep a service that was told to end.
  setTimeout(() => {
    process.exit(code)
  }, 1_000).unref()
  return code
}

/** The callers read "see the log": with its code, and with what caused it. */
function faultText(error: unknown): string {
  const { cause, errors } = (error ?? {}) as {
    readonly cause?: unknown
    readonly errors?: readonly unknown[]
  }
  const code = error instanceof WatertightError ? error.code : sqlstateOf(error)
  const below = [...(errors ?? []), ...(cause === undefined ? [] : [cause])].map(faultText)
  return [`${code === null ? '' : `${code}: `}${messageOf(error)}`, ...below].join('; because of ')
}

function urlOf(text: string): URL {
  if (URL.canParse(text) && /^https?:/.test(text)) return new URL(text)
  throw new WatertightError(
    'WATERTIGHT_BAD_FLAG',
    `--jwks ${JSON.stringify(text)} is no address of keys`,
    { hint: "Give the https:// address of the issuer's JWKS" },
  )
}

function portOf(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) < 65_536) return Number(text)
  throw new WatertightError('WATERTIGHT_BAD_FLAG', `--port ${text} is no port`, {
    hint: 'Give a number from 0 to 65535',
  })
}
