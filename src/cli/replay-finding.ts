/** Seeds the finding's world again, follows its replay token, and shows what is seen now. */

import type { Step } from '../model/observation.ts'
import type { Report } from '../model/report.ts'
import { WatertightError } from '../errors.ts'
import { visible } from '../report/text.ts'
import { replay } from '../run/replay.ts'
import { readReportFile } from '../run/store/read-report.ts'

export async function replayFinding(
  id: string,
  options: Readonly<Record<string, unknown>>,
): Promise<number> {
  const path = typeof options['run'] === 'string' ? options['run'] : 'reports/latest'
  const report = readReportFile(path) as Report
  const finding = report.findings.find((each) => each.id === id)
  if (finding === undefined) {
    throw new WatertightError(
      'WATERTIGHT_NO_FINDING',
      `${path} has no finding ${JSON.stringify(id)}`,
      {
        hint:
          report.findings.length === 0
            ? 'That run found nothing'
            : `It has ${report.findings
                .slice(0, 5)
                .map((each) => each.id)
                .join(', ')}${report.findings.length > 5 ? ', ...' : ''}`,
      },
    )
  }
  const target = typeof options['target'] === 'string' ? options['target'] : null
  if (target === null && report.target.kind === 'named') {
    throw new WatertightError(
      'WATERTIGHT_BAD_SETTING',
      'The finding was made on a server that you named',
      { hint: 'Name it again with --target: DSNs are not kept in reports' },
    )
  }
  const again = await replay(report, finding, target)
  if (options['json'] === true) process.stdout.write(`${JSON.stringify(again, null, 2)}\n`)
  else process.stdout.write(textOf(again.steps, again.sentence))
  if (again.outcome === 'violated') return 1
  return again.outcome === 'holds' ? 0 : 3
}

function textOf(steps: readonly Step[], sentence: string): string {
  const lines = steps.flatMap((step) => [
    `${visible(step.sql)};`,
    ...(step.observation.kind === 'rows'
      ? step.observation.rows.slice(0, 5).map((row) => `  -- ${visible(JSON.stringify(row))}`)
      : [
          `  -- ${step.observation.kind}: ${step.observation.sqlstate ?? ''} ${visible(step.observation.message)}`,
        ]),
  ])
  return `${[...lines, '', visible(sentence)].join('\n')}\n`
}
