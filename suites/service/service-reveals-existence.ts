// 403 for a row that is another's and 404 for one that is not there: the difference tells who has what.

import {
  anyTwin,
  defineProbe,
  everyAttacker,
  honestControl,
  routeCells,
  routeOf,
  sendAll,
  twinForms,
  twinsDiffer,
  twinsOf,
  vacuousAttempt,
  type Twin,
} from '../../src/index.ts'

export default defineProbe<Twin>({
  claim: 'The service answers alike about a row of another tenant and about one that is not there',
  source: 'https://cwe.mitre.org/data/definitions/204.html',
  severity: 'medium',
  needs: ['http'],
  remedy:
    'Answer 404 for both, with the same body and headers; let unique keys of {relation} contain tenant_id',
  cells: (world) => routeCells(world, () => true).filter((cell) => twinForms(cell).length > 0),
  inputs: anyTwin,
  examples: (world, cell) =>
    everyAttacker(world, cell.object).flatMap((pair, index) =>
      twinForms(cell)
        .slice(0, index < 2 ? undefined : 1)
        .map((form) => ({ ...pair, form, strict: index % 2 === 0 })),
    ),
  attempt: (world, cell, input) => {
    const twins = twinsOf({ world, route: routeOf(cell), cell }, input)
    return twins === null ? Promise.resolve(vacuousAttempt) : sendAll(world, twins, input)
  },
  judge: (attempt, { attacker, victim, form }, { cell }) => {
    const [there, absent] = twinsDiffer(attempt) ?? []
    if (there === undefined || absent === undefined) return null
    const [one, other] = [there, absent].map((answer) => answer.split('\n')[0] ?? '')
    return {
      sentence:
        `Tenant ${attacker} learns by ${cell.path} ${cell.name} whether a ${form} of ${victim} exists: ` +
        (one === other
          ? `both answers are ${one ?? ''}, and they differ`
          : `${one ?? ''} if it does, ${other ?? ''} if not`),
      rows: [{ there: there.slice(0, 400), absent: absent.slice(0, 400) }],
      victim,
      command: cell.path,
    }
  },
  control: honestControl,
})
