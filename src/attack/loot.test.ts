/** Loot is told from what the attacker brought: neither a leak missed nor one invented. */

import { expect, test } from 'vitest'
import { plantedOwnership } from '../world/planted-marks.ts'
import { planSeed } from '../reference/seed/plan.ts'
import { plantedUuid } from '../reference/seed/planted-uuid.ts'
import { broughtBy, lootIn } from './loot.ts'

const plan = planSeed({ seed: 3, tenants: 4, rows: 20 })
const [own, other] = plan.plannedTenants
if (own === undefined || other === undefined) throw new Error('the plan is too small')
const ownership = plantedOwnership(plan.plannedTenants, { bySchema: false, columns: ['tenant_id'] })
const id = (row: number) => plantedUuid({ seed: 3, tag: other.tag, table: 'users' }, row)
const look = (text: string, sql: string) =>
  lootIn(text, { attacker: own.id, ownership, brought: broughtBy([{ sql, role: 'attack' }]) })
    ?.owner ?? null
const mail = `dados.${other.watermark}.7@example.net`

test.each([
  ['a value that nobody brought', `Ana Silva ${other.watermark}`, 'SELECT 1'],
  [
    'another text of the tenant whose mail was brought',
    `Ana Silva ${other.watermark}`,
    `SELECT '${mail}'`,
  ],
  ['another id than the one that was brought', id(2), `SELECT '${id(1)}'`],
  ['a packed value', Buffer.from(`Ana ${other.watermark}`).toString('base64'), 'SELECT 1'],
])('%s is loot', (_, text, sql) => {
  expect(look(text, sql)).toBe(other.id)
})

test.each([
  ['a value that was brought', mail, `SELECT '${mail}'`],
  ['its upper case', mail.toUpperCase(), `SELECT '${mail}'`],
  ['its part before the @', `dados.${other.watermark}.7`, `SELECT '${mail}'`],
  ['a text around it', `copy of ${mail}, see there`, `SELECT '${mail}'`],
  ['its packed form', Buffer.from(mail).toString('base64'), `SELECT '${mail}'`],
  ['a value that was brought packed', mail, `SELECT '${Buffer.from(mail).toString('base64')}'`],
  ["the attacker's own value", `Ana Silva ${own.watermark}`, 'SELECT 1'],
  ['an id that was brought', id(1), `SELECT '${id(1)}'`],
])('%s is none', (_, text, sql) => {
  expect(look(text, sql)).toBe(null)
})
