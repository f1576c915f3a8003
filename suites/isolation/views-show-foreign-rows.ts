// Views run with their owner's rights unless told otherwise; materialized views have no row security.

import {
  anyAttack,
  cellsOf,
  controlOn,
  defineProbe,
  everyAttacker,
  foreignRows,
  identifier,
  literal,
  objectOf,
  objectsOfKind,
  targetOf,
  type Pair,
} from '../../src/index.ts'

const forms = ['all', 'not mine', 'by tenant', 'whole row', 'leaky'] as const
interface Input extends Pair {
  readonly form: (typeof forms)[number]
}

export default defineProbe<Input>({
  claim: 'No view or materialized view shows a foreign row',
  source: 'https://www.postgresql.org/docs/current/sql-createview.html',
  severity: 'critical',
  needs: ['rows'],
  remedy:
    'ALTER VIEW {relation} SET (security_invoker = true, security_barrier = true); read a materialized view ' +
    'only through a view that filters by the context',
  cells: (world) => cellsOf(objectsOfKind(world, ['view', 'materialized view']), 'view', 'SELECT'),
  inputs: (world, cell) => anyAttack(world, cell.object, forms),
  examples: (world, cell) =>
    everyAttacker(world, cell.object).flatMap((pair): Input[] => [
      { ...pair, form: 'not mine' },
      { ...pair, form: 'all' },
    ]),
  attempt: (world, cell, { attacker, victim, form }) => {
    const target = targetOf(objectOf(cell), world.tenant(victim))
    const from = target === null ? '' : `SELECT ${target.columns} FROM ${target.address}`
    const tenant =
      target?.tenantColumn === null || target === null ? null : identifier(target.tenantColumn)
    const where = {
      all: '',
      'whole row': '',
      leaky: ` t WHERE length(t::text) > 0`,
      'not mine': tenant === null ? '' : ` WHERE ${tenant} IS DISTINCT FROM ${literal(attacker)}`,
      'by tenant': tenant === null ? '' : ` WHERE ${tenant} = ${literal(victim)}`,
    }[form]
    const sql =
      target === null
        ? 'SELECT 1 WHERE false'
        : form === 'whole row'
          ? `SELECT to_jsonb(t) AS whole FROM ${target.address} t LIMIT 500`
          : `${from}${where} LIMIT 500`
    return world.attempt([...world.enter(world.tenant(attacker)), { sql, role: 'attack' }])
  },
  judge: (attempt, { attacker }, { world, cell }) =>
    foreignRows(attempt, {
      world,
      attacker,
      object: cell.name,
      verb: 'reads',
      command: 'view',
      tenantColumn: objectOf(cell).relationOf(world.tenant(attacker))?.tenantColumn ?? null,
    }),
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ address }) => `SELECT 1 AS own FROM ${address} LIMIT 1`),
})
