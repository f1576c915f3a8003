// `TENANT_ISOLATION_STRICT=flase` must not mean that nothing is strict: nonsense is refused, by the variable's name.

import {
  anyRowOf,
  anyText,
  defineOperationsProbe,
  obeyed,
  operationCells,
  slips,
  tryVariable,
  vacuousAttempt,
  variables,
  type Cell,
} from '../../src/index.ts'

const variableOf = ({ path }: Cell) => variables.find(({ name }) => name === path)

export default defineOperationsProbe<string>(
  {
    claim:
      "A variable does what its text says, and a text that says nothing is refused by the variable's name",
    source: 'https://owasp.org/Top10/A05_2021-Security_Misconfiguration/',
    severity: 'medium',
    needs: ['operations'],
    remedy:
      'Read flags and limits by closed lists and bounds, and end with an error that names the variable',
    cells: (world) =>
      operationCells(
        world,
        'configuration',
        variables.map(({ name }) => name),
      ),
    inputs: () => anyText(),
    examples: () => slips,
    attempt: (world, cell, text) => {
      const variable = variableOf(cell)
      return variable === undefined
        ? Promise.resolve(vacuousAttempt)
        : tryVariable(world, variable, text)
    },
    judge: (attempt, text, { cell }) =>
      anyRowOf(attempt, (row) => ({
        sentence: `${cell.path}=${JSON.stringify(text)} is taken for ${String(row['value'])}`,
        victim: null,
        command: cell.path,
      })),
    control: (world, cell, tenant) => {
      const variable = variableOf(cell)
      return variable === undefined || tenant !== world.tenants[0] ? null : obeyed(world, variable)
    },
  },
  { runsMax: 200 },
)
