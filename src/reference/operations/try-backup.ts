/** A tenant's backup and its restore, honest ones and forged ones, and what they did to everybody else. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { manifestName, type Manifest, type TableEntry } from '../../dotmac/backup/manifest.ts'
import {
  differences,
  readTenantStates,
  type TenantStates,
} from '../../dotmac/recovery/tenant-states.ts'
import type { Attempt, Row, Step } from '../../model/observation.ts'
import type { Tenant } from '../../model/tenant.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import type { World } from '../../world/world.ts'
import { operated, performed } from './define.ts'
import type { OperationsRig } from './operations-rig.ts'

export interface BackingUp {
  readonly world: World
  readonly rig: OperationsRig
  readonly attacker: Tenant
  readonly victim: Tenant
  /** Empty, and removed afterwards. */
  readonly directory: string
}

export const backupPaths = [
  'backup',
  'restore of changed rows',
  'restore under another name',
  'restore of a file of another tenant',
] as const
export type BackupPath = (typeof backupPaths)[number]

export function tryBackup(path: BackupPath, backing: BackingUp): Promise<Attempt> {
  switch (path) {
    case 'backup':
      return foreignRowsIn(backing)
    case 'restore of changed rows':
      return restoreChanged(backing)
    case 'restore under another name':
      return restoreForged(backing, renamed)
    case 'restore of a file of another tenant':
      return restoreForged(backing, withForeignFile)
  }
}

/** The positive control: the tenant's own rows come back as they were. */
export async function ownRowsComeBack({
  world,
  rig,
  attacker: tenant,
  directory,
}: BackingUp): Promise<Attempt> {
  const to = join(directory, 'own')
  const before = await readTenantStates(rig.platform, [tenant.id])
  await rig.operations.backupTenant(rig.platform, tenant.id, { to })
  await changeRows({ world, rig, tenant })
  const changed = differences(before, await readTenantStates(rig.platform, [tenant.id]))
  const restored = await performed(`restore ${tenant.id}`, 'control', async () => {
    await rig.operations.restoreTenant(rig.platform, { from: to })
    const left = differences(before, await readTenantStates(rig.platform, [tenant.id]))
    return changed.length > 0 && left.length === 0
      ? [{ tenant_id: tenant.id, changed: changed[0] ?? '' }]
      : []
  })
  return operated([restored])
}

async function foreignRowsIn({ world, rig, attacker, directory }: BackingUp): Promise<Attempt> {
  const to = join(directory, 'own')
  return operated([
    await performed(`back up ${attacker.id}`, 'attack', async () => {
      const { databases } = await rig.operations.backupTenant(rig.platform, attacker.id, { to })
      const foreign: Row[] = []
      for (const { file, columns } of Object.values(databases).flatMap(({ tables }) => tables)) {
        const place = columns.findIndex(({ name }) => name === 'tenant_id')
        for (const line of (await readFile(join(to, file), 'utf8')).split('\n').slice(0, -1)) {
          const values = line.split('\t').map(unescaped)
          const owners = world.ownership.ownersIn(
            { tenant_id: values[place] ?? null, line: values.join(' ') },
            { tenantColumn: place < 0 ? null : 'tenant_id' },
          )
          const owner = [...owners].find((id) => id !== attacker.id)
          if (owner !== undefined) foreign.push({ tenant_id: owner, file })
        }
      }
      return foreign
    }),
  ])
}

/** As COPY writes them: https://www.postgresql.org/docs/current/sql-copy.html */
function unescaped(value: string): string | null {
  const letters: Readonly<Record<string, string>> = {
    b: '\b',
    f: '\f',
    n: '\n',
    r: '\r',
    t: '\t',
    v: '\v',
  }
  return value === '\\N'
    ? null
    : value.replace(/\\(.)/gs, (_, letter: string) => letters[letter] ?? letter)
}

async function restoreChanged({
  world,
  rig,
  attacker,
  victim,
  directory,
}: BackingUp): Promise<Attempt> {
  const from = join(directory, 'own')
  await rig.operations.backupTenant(rig.platform, attacker.id, { to: from })
  // The victim goes on working after the backup was taken.
  await changeRows({ world, rig, tenant: victim })
  await changeRows({ world, rig, tenant: attacker })
  return operated(
    await leavingAlone({ world, rig, mayChange: attacker.id }, `restore ${attacker.id}`, () =>
      rig.operations.restoreTenant(rig.platform, { from }),
    ),
  )
}

type Forge = (backing: BackingUp, own: Manifest, foreign: Manifest) => Promise<Manifest>

async function restoreForged(backing: BackingUp, forge: Forge): Promise<Attempt> {
  const { world, rig, attacker, victim, directory } = backing
  const [from, beside] = [join(directory, 'own'), join(directory, 'foreign')]
  const own = await rig.operations.backupTenant(rig.platform, attacker.id, { to: from })
  const foreign = await rig.operations.backupTenant(rig.platform, victim.id, { to: beside })
  await changeRows({ world, rig, tenant: victim })
  const forged = await forge(backing, own, foreign)
  await writeFile(join(from, manifestName), JSON.stringify(forged))
  return operated(
    await leavingAlone(
      { world, rig, mayChange: attacker.id },
      `restore ${attacker.id} from a manifest that was forged`,
      () => rig.operations.restoreTenant(rig.platform, { from }),
    ),
  )
}

/** The attacker's files, said to be the victim's. */
const renamed: Forge = ({ victim }, own) =>
  Promise.resolve({
    ...own,
    tenant: victim.id,
    tenantSchema: own.tenantSchema === null ? null : victim.schema,
  })

/** One file of the victim's backup in the attacker's, hashes and all. */
const withForeignFile: Forge = async ({ directory }, own, { databases }) => {
  const isSwapped = ({ table }: TableEntry) => table === swapped
  const theirs = databases.isp?.tables.find(isSwapped)
  const mine = own.databases.isp?.tables.find(isSwapped)
  if (theirs === undefined || mine === undefined || own.databases.isp === undefined) return own
  await writeFile(
    join(directory, 'own', mine.file),
    await readFile(join(directory, 'foreign', theirs.file)),
  )
  const { rows, bytes, sha256, contentHash } = theirs
  const tables = own.databases.isp.tables.map((entry) =>
    isSwapped(entry) ? { ...entry, rows, bytes, sha256, contentHash } : entry,
  )
  return { ...own, databases: { ...own.databases, isp: { ...own.databases.isp, tables } } }
}

/** No other table refers to it, so its rows can be removed and changed. */
const swapped = 'isp_analytics_usage'

interface Changing {
  readonly world: World
  readonly rig: OperationsRig
  readonly tenant: Tenant
}

/** One row less, another one with other content. */
async function changeRows({ world, rig, tenant }: Changing): Promise<void> {
  const schema = world.id.tenancy === 'row-level-security' ? 'public' : identifier(tenant.schema)
  const own = `tenant_id = ${literal(tenant.id)}`
  await rig.admin.query(`DELETE FROM ${schema}.${swapped} WHERE ${own} AND id IN (
    SELECT id FROM ${schema}.${swapped} WHERE ${own} ORDER BY id LIMIT 1);
UPDATE ${schema}.isp_customers SET phone = phone || '0' WHERE ${own} AND id IN (
    SELECT id FROM ${schema}.isp_customers WHERE ${own} ORDER BY id LIMIT 1)`)
}

interface Watched {
  readonly world: World
  readonly rig: OperationsRig
  readonly mayChange: string
}

/** The operation, and as the attack's rows every other tenant whose rows are not what they were. */
async function leavingAlone(
  { world, rig, mayChange }: Watched,
  what: string,
  operate: () => Promise<unknown>,
): Promise<readonly Step[]> {
  const others = world.tenants.map(({ id }) => id).filter((id) => id !== mayChange)
  const before = await readTenantStates(rig.platform, others)
  const done = await performed(what, 'attack', async () => {
    await operate()
    return []
  })
  const after = await readTenantStates(rig.platform, others)
  return [
    done,
    await performed(
      'counts and content hashes of all other tenants, before and after',
      'attack',
      () => Promise.resolve(changedTenants(others, before, after)),
    ),
  ]
}

export function changedTenants(
  tenants: readonly string[],
  before: TenantStates,
  after: TenantStates,
): readonly Row[] {
  return tenants.flatMap((id) => {
    const only = (states: TenantStates): TenantStates => new Map([[id, states.get(id) ?? []]])
    const [found] = differences(only(before), only(after))
    return found === undefined ? [] : [{ tenant_id: id, found }]
  })
}
