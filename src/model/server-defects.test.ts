/** The table of PostgreSQL's own defects: edges of ranges, and the last repair of each major. */

import { expect, test } from 'vitest'
import {
  fixOf,
  isAffected,
  lastRowSecurityFix,
  serverDefects,
  versionText,
} from './server-defects.ts'

const merge = serverDefects.find(({ id }) => id === 'CVE-2023-39418')
const open = serverDefects.find(({ id }) => id === 'CVE-2018-1058')
if (merge === undefined || open === undefined) throw new Error('the table changed')

test('a server is affected up to the minor before the fix, and in no major that the table leaves out', () => {
  expect(
    [140_000, 150_000, 150_003, 150_004, 150_010, 160_000].map((version) =>
      isAffected(merge, version),
    ),
  ).toEqual([false, true, true, false, false, false])
})

test('what no minor repairs is repaired by the next major', () => {
  expect([
    isAffected(open, 140_023),
    isAffected(open, 150_000),
    fixOf(open, 140_023),
    fixOf(open, 150_000),
  ]).toEqual([true, false, '15', null])
})

test('every supported major has a last repair of row security, and no entry is newer', () => {
  for (const major of [14, 15, 16, 17, 18]) {
    const last = lastRowSecurityFix(major * 10_000)
    const [, minor] = (last?.version ?? '').split('.').map(Number)
    expect(minor, String(major)).toBeGreaterThan(0)
    const fixed = major * 10_000 + (minor ?? 0)
    const open = serverDefects.filter((each) => each.rowSecurity && isAffected(each, fixed))
    expect(
      open.map(({ id }) => id),
      versionText(fixed),
    ).toEqual([])
    expect(last !== null && isAffected(last.defect, fixed - 1)).toBe(true)
  }
})

test('every entry names its advisory, and none stands there twice', () => {
  expect(new Set(serverDefects.map(({ id }) => id)).size).toBe(serverDefects.length)
  for (const { id, source } of serverDefects) expect(source).toContain(id)
})
