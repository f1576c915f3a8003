/** Name, version and commit of the tool, as every report states them. */

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Report } from '../../model/report.ts'
import { packageRoot } from '../../registry.ts'

export function toolIdentity(): Report['tool'] {
  const { version } = JSON.parse(readFileSync(join(packageRoot(), 'package.json'), 'utf8')) as {
    version: string
  }
  return { name: 'watertight', version, commit: commitOf(join(packageRoot(), '.git')) }
}

/** Reads HEAD without running git; null outside a checkout. */
function commitOf(git: string): string | null {
  const head = readText(join(git, 'HEAD'))
  if (head === null) return null
  const ref = /^ref: (.+)$/.exec(head)?.[1]
  if (ref === undefined) return head
  const packed = readText(join(git, 'packed-refs'))
    ?.split('\n')
    .find((line) => line.endsWith(` ${ref}`))
  return readText(join(git, ref)) ?? packed?.split(' ')[0] ?? null
}

function readText(path: string): string | null {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : null
}
