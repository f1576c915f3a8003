/**
 * npm and npx end at SIGTERM without telling what they started, and nobody is left who could stop the run: the end of
 * whoever stands between them and us is taken for the signal. https://github.com/npm/cli/issues/6684
 */

import { readFileSync } from 'node:fs'

const lookMs = 500
const shells: readonly string[] = ['sh', 'ash', 'bash', 'dash', 'zsh']

/**
 * Calls `onGone` once; the result ends the watch. Only where npm started us: whoever puts a run into the background and
 * leaves, means it.
 */
export function watchParent(
  env: Readonly<Record<string, string | undefined>>,
  onGone: () => void,
): () => void {
  if (env['npm_execpath'] === undefined && env['npm_command'] === undefined) return () => undefined
  const before = lineage()
  const look = setInterval(() => {
    if (lineage() === before) return
    clearInterval(look)
    onGone()
  }, lookMs)
  look.unref()
  return () => {
    clearInterval(look)
  }
}

/** Our parent; where that is the shell that npm puts in between, the parent of the shell too. */
function lineage(): string {
  const { ppid } = process
  const stat = statOf(ppid)
  const [, name = '', above = ''] = /^\d+ \((.*)\) \S (\d+)/s.exec(stat) ?? []
  return shells.includes(name) ? `${ppid} ${above}` : String(ppid)
}

/** Empty where the system has no such file: then only our own parent is watched. */
function statOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8')
  } catch {
    return ''
  }
}
