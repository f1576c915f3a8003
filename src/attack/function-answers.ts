/** What a function's answer proves: foreign content that the call did not bring along itself. */

import type { Attempt, Row, Step, Value, Witness } from '../model/observation.ts'
import type { Tenant, TenantId } from '../model/tenant.ts'
import type { World } from '../world/world.ts'
import { foreignEcho } from './forms/oracle.ts'
import { knownValues } from './values/known-values.ts'
import { count, rowsShown, type Suspicion } from './witness.ts'

/**
 * A function that gives back what it was passed, as it is, in other letters or as a part, shows nothing; one that
 * adds an id or a value that the caller did not name does.
 */
export function foreignFunctionContent(attempt: Attempt, suspicion: Suspicion): Witness | null {
  const { world, attacker, object, verb, command } = suspicion
  for (const step of attempt.steps) {
    if (step.role !== 'comparison' || step.observation.kind !== 'rows') continue
    const foreign = step.observation.rows.flatMap((row) => {
      const owner = ownerBeyond(step, row, suspicion)
      return owner === null ? [] : [{ row, owner }]
    })
    const [first] = foreign
    if (first === undefined) continue
    return {
      sentence: `Tenant ${attacker} ${verb} ${count(foreign.length, 'row')} of ${first.owner} from ${object}`,
      rows: foreign.map(({ row }) => row).slice(0, rowsShown),
      victim: first.owner,
      command,
    }
  }
  return foreignEcho(attempt, { world, attacker, object, verb, command, tenantColumn: null })
}

function ownerBeyond({ sql }: Step, row: Row, suspicion: Suspicion): TenantId | null {
  const { world, attacker, tenantColumn } = suspicion
  const owners = (of: Row) => [...world.ownership.ownersIn(of, { tenantColumn })]
  const foreign = (of: Row) => owners(of).find((owner) => owner !== attacker) ?? null
  if (foreign(row) === null) return null
  const asked = sql.toLowerCase()
  return foreign(
    Object.fromEntries(
      Object.entries(row).map(([name, value]) => [name, beyond(value, { world, asked })]),
    ),
  )
}

interface Asked {
  readonly world: World
  /** The statement in lower case. */
  readonly asked: string
}

/** The value without what the statement says; documents are looked into. */
function beyond(value: Value, asked: Asked): Value {
  if (typeof value !== 'string') return value
  if (!/^\s*[[{]/.test(value)) return textBeyond(value, asked)
  try {
    return JSON.stringify(JSON.parse(value), (_, part: unknown) =>
      typeof part === 'string' ? textBeyond(part, asked) : part,
    )
  } catch {
    return textBeyond(value, asked)
  }
}

const uuids = /[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}/gi

const bare = (text: string) => text.toLowerCase().replaceAll('-', '')

function textBeyond(text: string, { world, asked }: Asked): string {
  const [lower, bareAsked] = [text.toLowerCase(), bare(asked)]
  if (asked.includes(lower)) return ''
  const saysPlainly = ({ tag, watermark }: Tenant, said: string) =>
    said.includes(tag) || said.includes(watermark.toLowerCase())
  const named = world.tenants.filter((tenant) => saysPlainly(tenant, asked))
  if (named.some(({ id }) => isValueOf(world, id, text))) return text
  // A mark that only shows when it is decoded may be what was passed, encoded.
  const isPlain = world.tenants.some((tenant) => saysPlainly(tenant, lower))
  if (!isPlain && named.length > 0) return ''
  const rest = text.replace(uuids, (id) => (bareAsked.includes(bare(id)) ? '' : id))
  return named
    .filter(({ watermark }) => asked.includes(watermark.toLowerCase()))
    .reduce((left, { watermark }) => left.replaceAll(new RegExp(watermark, 'gi'), ''), rest)
}

/** Such a value was read, whatever it has in common with one that the statement contains. */
function isValueOf(world: World, tenant: TenantId, text: string): boolean {
  return knownValues(world, tenant).some(({ value }) => value === text)
}
