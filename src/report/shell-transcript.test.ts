/** A transcript of curl lines sends what was sent, and no value of it becomes a command. */

import { execFileSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { leakingReport } from '../../fixtures/records/build.ts'
import type { Finding } from '../model/finding.ts'
import { curlOf } from '../reference/service/service-request.ts'
import { renderShellTranscript } from './shell-transcript.ts'

const evil = "x'; touch pwned; $(touch pwned) `touch pwned`\n\ntouch pwned #"

function findingOf(sql: string): Finding {
  const [finding] = leakingReport().findings
  if (finding === undefined) throw new Error('the record has no finding')
  const step = {
    sql,
    role: 'attack' as const,
    observation: {
      kind: 'rows' as const,
      rows: [{ body: evil }],
      affected: null,
      truncated: false,
    },
  }
  return {
    ...finding,
    title: evil,
    counterexample: {
      ...finding.counterexample,
      steps: [step],
      witness: { ...finding.counterexample.witness, rows: [{ name: evil }] },
    },
  }
}

function run(script: string): { readonly sent: string; readonly pwned: boolean } {
  const folder = mkdtempSync(join(tmpdir(), 'watertight-shell-'))
  try {
    writeFileSync(
      join(folder, 'curl'),
      '#!/bin/sh\nfor each in "$@"; do printf \'<%s>\' "$each" >> sent; done\n',
    )
    chmodSync(join(folder, 'curl'), 0o755)
    writeFileSync(join(folder, 'finding.sh'), script)
    execFileSync('/bin/sh', ['finding.sh'], {
      cwd: folder,
      env: { PATH: `${folder}:/usr/bin:/bin`, SERVICE: 'http://service', TOKEN: 'token' },
    })
    const sent = existsSync(join(folder, 'sent')) ? readFileSync(join(folder, 'sent'), 'utf8') : ''
    return { sent, pwned: existsSync(join(folder, 'pwned')) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('the request is sent as it was, whatever its texts hold', () => {
  const body = JSON.stringify({ notes: evil })
  const { sent, pwned } = run(
    renderShellTranscript(
      findingOf(
        curlOf({
          method: 'PATCH',
          path: `/customers/${encodeURIComponent(evil)}`,
          headers: { 'x-tenant': 'o\'brien "net"' },
          body,
          token: { tenant: evil, kind: 'issued' },
          strict: true,
          brought: [],
        }),
      ),
    ),
  )
  expect(pwned).toBe(false)
  expect(sent).toBe(
    `<-gsS><-i><-X><PATCH><http://service/customers/${encodeURIComponent(evil)}>` +
      `<-H><Authorization: Bearer token><-H><x-tenant: o'brien "net"><--data-binary><${body}>`,
  )
})

test('a line that breaks is only shown', () => {
  expect(run(renderShellTranscript(findingOf(`curl '${evil}'`)))).toEqual({
    sent: '',
    pwned: false,
  })
})
