/** Mutants that nobody wrote by hand: how many of each kind were killed, and every survivor with its SQL. */

import type { GeneratedEdit, GeneratedScore } from '../../model/generated.ts'
import { generatedLine, setAsideLine } from '../generated.ts'
import { formatCount } from '../number.ts'
import { Scroll } from './section.tsx'
import { Code, Value } from './value.tsx'

export function Generated({ score }: { readonly score: GeneratedScore | undefined }) {
  if (score === undefined) return null
  return (
    <>
      <h3>Mutants that nobody wrote by hand</h3>
      <p>
        {generatedLine(score)}. {setAsideLine(score)}.
      </p>
      <Scroll label="Generated mutants by kind">
        <table data-sortable>
          <caption>
            Edits of the catalogs drawn by seed {score.seed}, sorted by a ground truth of their own
          </caption>
          <thead>
            <tr>
              <th scope="col">kind of edit</th>
              {['tried', 'reach others', 'killed', 'latent', 'reported'].map((title) => (
                <th scope="col" class="number">
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {score.kinds.map((each) => (
              <tr>
                <th scope="row">
                  <Value text={each.kind} />
                </th>
                {[each.tried, each.reaching, each.killed, each.latent, each.reported].map(
                  (count) => (
                    <td class="number">{formatCount(count)}</td>
                  ),
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      <Edits title="Generated mutants that survived" list={score.survivors} />
      <Edits title="Latent edits that nothing reports" list={score.unreported} />
      <Edits title="Edits that could not be decided" list={score.undecided} />
    </>
  )
}

interface EditsProps {
  readonly title: string
  readonly list: readonly GeneratedEdit[]
}

function Edits({ title, list }: EditsProps) {
  if (list.length === 0) return null
  return (
    <>
      <h4>{title}</h4>
      <ul class="bad">
        {list.map((each) => (
          <li>
            <Value text={`${each.id}, ${each.kind}, ${each.world}: ${each.title}`} />.{' '}
            <Value text={`${each.truth}; ${each.reason}`} />
            <br />
            <Code text={each.sql} />
          </li>
        ))}
      </ul>
    </>
  )
}
