// COPY TO is filtered like SELECT; COPY FROM has no policy check of its own and must be refused.

import {
  affectedBy,
  anyAttack,
  cellsOf,
  controlOn,
  copyLike,
  deferred,
  defineProbe,
  everyAttacker,
  foreignRows,
  identifier,
  literal,
  objectOf,
  ownedTables,
  stepOf,
  targetOf,
  vacuousAttempt,
  type Pair,
} from '../../src/index.ts'

const forms = ['table out', 'query out', 'in'] as const
interface Input extends Pair {
  readonly form: (typeof forms)[number]
}

export default defineProbe<Input>({
  claim: 'COPY carries no foreign row out and none in',
  source: 'https://www.postgresql.org/docs/current/sql-copy.html',
  severity: 'critical',
  needs: ['rows', 'writes'],
  remedy:
    'Enable row security on {relation} for the role that copies; load through a staging table and INSERT .. ' +
    'SELECT as the tenant',
  cells: (world) => cellsOf(ownedTables(world), 'COPY', 'SELECT'),
  inputs: (world, { object }) => anyAttack(world, object, forms),
  examples: (world, { object }) =>
    everyAttacker(world, object).flatMap((pair): Input[] => [
      { ...pair, form: 'query out' },
      { ...pair, form: 'in' },
    ]),
  attempt: (world, cell, { attacker, victim, form }) => {
    const object = objectOf(cell)
    const target = targetOf(object, world.tenant(victim))
    const sample = object.samplesOf(victim)[0]
    if (target === null || (form === 'in' && sample === undefined))
      return Promise.resolve(vacuousAttempt)
    const where =
      target.tenantColumn === null
        ? ''
        : ` WHERE ${identifier(target.tenantColumn)} IS DISTINCT FROM ${literal(attacker)}`
    const whole = form === 'table out' && target.relation.kind === 'table'
    const attack =
      form === 'in' && sample !== undefined
        ? copyLike(target.relation, sample)
        : {
            sql: whole
              ? `COPY ${target.address} (${target.columns}) TO STDOUT`
              : `COPY (SELECT ${target.columns} FROM ${target.address}${where} LIMIT 200) TO STDOUT`,
          }
    return world.attempt([
      ...world.enter(world.tenant(attacker)),
      deferred,
      { ...attack, role: 'attack' },
    ])
  },
  judge: (attempt, { attacker, victim, form }, { world, cell }) =>
    form === 'in'
      ? affectedBy(stepOf(attempt, 'attack')) === 0
        ? null
        : {
            sentence: `Tenant ${attacker} copies a row of ${victim} into ${cell.name}`,
            rows: [],
            victim,
            command: 'COPY',
          }
      : foreignRows(attempt, {
          world,
          attacker,
          object: cell.name,
          verb: 'copies',
          command: 'COPY',
          tenantColumn: null,
        }),
  control: (world, cell, tenant) =>
    controlOn(
      { world, cell },
      tenant,
      ({ address, columns }) => `COPY (SELECT ${columns} FROM ${address} LIMIT 1) TO STDOUT`,
    ),
})
