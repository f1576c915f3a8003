/** The head of the page: of what, when and with what the report was made, and what nobody looked at. */

import type { Report } from '../../model/report.ts'
import { formatTime } from '../number.ts'
import { unexaminedLine } from '../unexamined.ts'
import { Value } from './value.tsx'

export function Title({ report }: { readonly report: Report }) {
  const { run, target, tool, environment } = report
  const unexamined = unexaminedLine(report)
  return (
    <header>
      <h1>Watertight report</h1>
      <p>
        <Value text={target.address} max={80} /> · PostgreSQL{' '}
        <Value text={target.serverVersion} max={40} /> ({target.kind}) · seed {run.seed} ·{' '}
        {formatTime(run.startedAt)} · watertight {tool.version}
        {tool.commit !== null && (
          <>
            {' '}
            · commit <Value text={tool.commit.slice(0, 12)} />
          </>
        )}{' '}
        · <Value text={environment.platform} max={40} />, {environment.cpus} cpus
      </p>
      {unexamined !== null && (
        <p>
          <strong>
            <Value text={unexamined} max={600} />
          </strong>
        </p>
      )}
    </header>
  )
}
