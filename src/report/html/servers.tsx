/** Several servers in one report: which of PostgreSQL's own defects each has, and what was seen of them. */

import type { DefectScore, Report, ServerScore } from '../../model/report.ts'
import { defectRows, missText } from '../defect-table.ts'
import { Scroll } from './section.tsx'
import { Value } from './value.tsx'

export function Servers({ report }: { readonly report: Report }) {
  const { servers = [] } = report
  if (servers.length === 0) return null
  return (
    <>
      <h3>Servers and their own defects</h3>
      <p>
        A defect that the server has must be caught by an attack, and named; one that it has not
        must not be seen. Rows without a way were not attacked: there the version alone speaks.
      </p>
      <Scroll label="Defects of servers">
        <table class="matrix">
          <caption>
            PostgreSQL&apos;s own defects of privileges and row security, by server version
          </caption>
          <thead>
            <tr>
              <th scope="col">defect</th>
              <th scope="col">tried by</th>
              <th scope="col">what is wrong</th>
              {servers.map(({ version }) => (
                <th scope="col">
                  <Value text={version} />
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {defectRows(servers).map(({ defect, on }) => (
              <tr>
                <th scope="row">
                  <a href={defect.source}>
                    <Value text={defect.id} />
                  </a>
                </th>
                <td>
                  <Value text={defect.path ?? 'version only'} />
                </td>
                <td class="prose">
                  <Value text={defect.title} /> ({defect.severity})
                </td>
                {servers.map((server) => (
                  <Seen server={server} score={on.get(server.version)} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </>
  )
}

function Seen({
  server,
  score,
}: {
  readonly server: ServerScore
  readonly score: DefectScore | undefined
}) {
  if (score === undefined) return <td class="untested">no such command</td>
  const miss = missText(score, server.version)
  if (miss !== null)
    return (
      <td class="unknown">
        <Value text={`! ${miss}`} />
      </td>
    )
  const until = score.fixedIn === null ? '' : `, until ${score.fixedIn}`
  if (score.seen === 'not tried')
    return <td>{score.affected ? `named${until}` : 'not affected'}</td>
  return score.affected ? <td class="violated">caught{until}</td> : <td class="holds">absent</td>
}
