/** One table asked as a tenant: its own rows must be seen, and no foreign one reached by any command. */

import { sqlstateOf } from '../../errors.ts'
import type { StrategySession } from '../../model/context-strategy.ts'
import { literal } from '../../sql/identifier.ts'
import type { MappedTenant } from '../migrations/places.ts'
import type { Found } from './health-check.ts'

export interface AskedTable {
  readonly name: string
  /** A BEFORE trigger may give an inserted row to somebody else, before the policy is asked. */
  readonly isChangedBefore: boolean
}

export interface Question {
  /** The table with the other tenant's rows, as SQL names it. */
  readonly at: string
  /** The table with the tenant's own rows; null where it has none. */
  readonly own: string | null
  readonly tenant: MappedTenant
  readonly other: MappedTenant
  readonly counts: { statements: number }
}

export async function askTable(
  session: StrategySession,
  table: AskedTable,
  question: Question,
): Promise<Found> {
  const { at, own, tenant, other, counts } = question
  const foreign = `tenant_id = ${literal(other.id)}`
  const findings: string[] = []
  const unjudged: string[] = []
  for (const [verb, sql] of [
    [
      'own',
      own === null ? null : `SELECT 1 FROM ${own} WHERE tenant_id = ${literal(tenant.id)} LIMIT 1`,
    ],
    ['SELECT', `SELECT 1 FROM ${at} WHERE ${foreign} LIMIT 1`],
    ['UPDATE', `UPDATE ${at} SET tenant_id = tenant_id WHERE ${foreign} RETURNING 1`],
    ['DELETE', `DELETE FROM ${at} WHERE ${foreign} RETURNING 1`],
    // A policy speaks before NOT NULL does, so a row without its other columns will do.
    ['INSERT', `INSERT INTO ${at} (tenant_id) VALUES (${literal(other.id)})`],
  ] as const) {
    if (sql === null) continue
    counts.statements += 1
    await session.query('SAVEPOINT ask')
    try {
      const { rows } = await session.query(sql)
      if (verb === 'own' && rows.length === 0)
        findings.push(`${table.name}: a tenant does not see its own rows`)
      if (verb !== 'own' && rows.length > 0)
        findings.push(`${table.name}: ${verb} reached rows of another tenant`)
      // Nothing kept it out; where it went is the trigger's affair.
      if (verb === 'INSERT' && !table.isChangedBefore) {
        findings.push(`${table.name}: INSERT of a foreign row was not refused`)
      }
    } catch (error) {
      const code = sqlstateOf(error)
      if (code === null) throw error
      if (verb === 'own' && isBroken(code))
        findings.push(`${table.name}: a tenant's own rows ended with ${code}`)
      else if (verb === 'own')
        unjudged.push(`${table.name}: a tenant's own rows ended with ${code}`)
      else if (code !== '42501') {
        const sentence = `${table.name}: ${verb} of foreign rows ended with ${code}`
        // A constraint speaks after the policy has let the row pass, unless a trigger changed it before.
        const isPassed = code.startsWith('23') && !(verb === 'INSERT' && table.isChangedBefore)
        ;(isPassed || isBroken(code) ? findings : unjudged).push(sentence)
      }
    }
    await session.query('ROLLBACK TO SAVEPOINT ask')
  }
  return { findings, unjudged }
}

/** Syntax and access (42): the statement itself cannot run. Time-outs, locks and full disks say nothing. */
function isBroken(code: string): boolean {
  return code.startsWith('42') || code.startsWith('22')
}
