/** Conditions under which rows are asked for: what an attacker writes after WHERE. */

import type { Column } from '../../model/catalog.ts'
import type { Row } from '../../model/observation.ts'
import type { Tenant } from '../../model/tenant.ts'
import { identifier, literal } from '../../sql/identifier.ts'
import { keyCondition } from '../statements.ts'
import type { Target } from '../../world/targets.ts'

/** The first is what shrinking ends at. */
export const predicates = [
  'not mine',
  'none',
  'by key',
  'by tenant',
  'or true',
  'in list',
  'is not null',
  'like',
  'text of row',
  'leaky',
] as const
export type Predicate = (typeof predicates)[number]

interface Asker {
  readonly target: Target
  readonly attacker: Tenant
  readonly victim: Tenant
  readonly sample: Row
}

/** `WHERE ...` over the alias t, or the empty text. */
export function predicateOf(
  predicate: Predicate,
  { target, attacker, victim, sample }: Asker,
): string {
  const column = target.tenantColumn === null ? null : `t.${identifier(target.tenantColumn)}`
  const [own, foreign] = [literal(attacker.id), literal(victim.id)]
  // Without a tenant column the only mark of an own row is what the tenant itself wrote into it.
  const notMine =
    column === null
      ? `strpos(t::text, ${literal(attacker.watermark)}) = 0`
      : `${column} IS DISTINCT FROM ${own}`
  switch (predicate) {
    case 'none':
      return ''
    case 'not mine':
      return readsWholeRows(target) || column !== null ? `WHERE ${notMine}` : ''
    case 'by key':
      return Object.keys(sample).length === 0
        ? ''
        : `WHERE ${keyCondition(target.relation, sample, 't.')}`
    case 'by tenant':
      return column === null ? '' : `WHERE ${column} = ${foreign}`
    case 'or true':
      return column === null
        ? 'WHERE true OR false'
        : `WHERE ${column} = ${own} OR ${column} <> ${own}`
    case 'in list':
      return column === null ? '' : `WHERE ${column} IN (${foreign}, ${own}, '')`
    case 'is not null':
      return column === null ? '' : `WHERE ${column} IS NOT NULL`
    case 'like':
      return column === null ? '' : `WHERE ${column} LIKE '%' AND ${column} <> ${own}`
    case 'text of row':
      return readsWholeRows(target) ? `WHERE strpos(t::text, ${literal(victim.watermark)}) > 0` : ''
    case 'leaky':
      return leaky(target, attacker)
  }
}

/** Column grants forbid a reference to the whole row. */
export function readsWholeRows({ relation }: Pick<Target, 'relation'>): boolean {
  return relation.columns.every((column) => column.selectable)
}

/**
 * A cast that fails on foreign rows only, and whose message then carries the value. PostgreSQL must
 * not evaluate it on rows that a policy or a barrier view hides (CVE-2010-3781 and its kind).
 */
export function leaky({ relation, tenantColumn }: Target, attacker: Tenant): string {
  const text = secretColumn(relation.columns, tenantColumn === null)
  if (text === null) return ''
  const mine =
    tenantColumn === null
      ? `strpos(t.${text}::text, ${literal(attacker.watermark)}) > 0`
      : `t.${identifier(tenantColumn)} = ${literal(attacker.id)}`
  return `WHERE CAST(CASE WHEN ${mine} THEN '1' ELSE t.${text}::text END AS integer) = 1`
}

const naturalKey = /(email|serial|hostname|reference)$/
const content = /(name|number|title|remark|notes|label|subject|description|source)$/

/** A readable text column whose values carry their owner's mark; always a natural key if it must carry it. */
function secretColumn(columns: readonly Column[], mustBeMarked: boolean): string | null {
  const texts = columns.filter(
    (column) => column.selectable && /^(text|character varying)/.test(column.type),
  )
  const secret =
    texts.find(({ name }) => naturalKey.test(name)) ??
    (mustBeMarked ? undefined : (texts.find(({ name }) => content.test(name)) ?? texts[0]))
  return secret === undefined ? null : identifier(secret.name)
}
