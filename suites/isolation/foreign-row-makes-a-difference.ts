// The same statement with and without a foreign row: rows, SQLSTATE and message must be the same. This
// sees every oracle of existence, whatever it is made of: unique indexes, expressions, exclusion, keys.

import fc from 'fast-check'
import {
  anyPairOfOwners,
  answerOf,
  cellsOf,
  controlOn,
  defineProbe,
  everyAttacker,
  existenceAttacks,
  existenceForms,
  impersonated,
  insertLike,
  isNobodys,
  may,
  objectOf,
  ownedTables,
  vacuousAttempt,
  withoutForeignRow,
  writeRequest,
  type Attempt,
  type ExistenceForm,
  type Pair,
  type Statement,
} from '../../src/index.ts'

interface Input extends Pair {
  readonly form: ExistenceForm
}

export default defineProbe<Input>({
  claim: "Whether another tenant's row exists makes no difference to any statement of a tenant",
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'medium',
  needs: ['writes'],
  remedy:
    'Put tenant_id into every unique index, exclusion constraint and foreign key of {relation}',
  cells: (world) =>
    cellsOf(
      ownedTables(world).filter(
        (object) =>
          object.kind !== 'partition' &&
          world.tenants.some((tenant) => may(object, tenant, 'INSERT')) &&
          !isNobodys(world, object),
      ),
      'existence',
      'INSERT',
    ),
  inputs: (world, { object }) =>
    fc
      .record({ pair: anyPairOfOwners(world, object), form: fc.constantFrom(...existenceForms) })
      .map(
        ({ pair, form }) => ({ ...pair, form }),
        (value) => {
          const { attacker, victim, form } = value as Input
          return { pair: { attacker, victim }, form }
        },
      ),
  examples: (world, { object }) =>
    everyAttacker(world, object)
      .slice(0, 2)
      .flatMap((pair) => existenceForms.map((form): Input => ({ ...pair, form }))),
  attempt: async (world, cell, input) => {
    const request = writeRequest(world, objectOf(cell), {
      attacker: world.tenant(input.attacker),
      victim: world.tenant(input.victim),
    })
    const attacks = request === null ? [] : existenceAttacks(request, input.form)
    if (request === null || attacks.length === 0) return vacuousAttempt
    const { attacker } = request
    const statements = attacks.flatMap((sql): Statement[] => [
      { sql: 'SAVEPOINT before', role: 'context' },
      { sql, role: 'comparison' },
      { sql: 'ROLLBACK TO SAVEPOINT before', role: 'context' },
    ])
    const [present, absent] = [
      await impersonated(world, { attacker, prepare: [], statements }),
      await impersonated(world, {
        attacker,
        statements,
        prepare: withoutForeignRow(request, input.form),
      }),
    ]
    return { ...present, steps: [...present.steps, ...absent.steps] }
  },
  judge: (attempt, { attacker, victim, form }, { cell }) => {
    const differing = differingStatement(attempt)
    return differing === null
      ? null
      : {
          sentence:
            `Tenant ${attacker} learns by ${form === 'reference' ? 'a reference' : 'a write'} whether a row of ` +
            `${victim} exists in ${cell.name}`,
          rows: [
            {
              statement: differing.sql.slice(0, 200),
              present: differing.present,
              absent: differing.absent,
            },
          ],
          victim,
          command: 'existence',
        }
  },
  control: (world, cell, tenant) =>
    controlOn({ world, cell }, tenant, ({ relation }, sample) =>
      Object.keys(sample).length === 0 ? null : insertLike(relation, sample),
    ),
})

interface Difference {
  readonly sql: string
  readonly present: string
  readonly absent: string
}

/** Both halves hold the same statements in the same order; an interruption compares with nothing. */
function differingStatement(attempt: Attempt): Difference | null {
  const compared = attempt.steps.filter(({ role }) => role === 'comparison')
  const half = compared.length / 2
  for (let index = 0; index < half; index += 1) {
    const [a, b] = [compared[index], compared[index + half]]
    if (a === undefined || b === undefined || a.sql !== b.sql) return null
    const [present, absent] = [answerOf(a), answerOf(b)]
    if (present !== null && absent !== null && present !== absent)
      return { sql: a.sql, present, absent }
  }
  return null
}
