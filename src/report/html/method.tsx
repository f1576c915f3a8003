/** How the answers were got, and how to get them again. */

import type { Report } from '../../model/report.ts'
import { Section } from './section.tsx'

export function Method({ report }: { readonly report: Report }) {
  const { run } = report
  return (
    <Section id="method" title="Method, and how to reproduce">
      <ul>
        <li>
          Every tenant owns planted rows. What was planted decides who owns a row, never the text of
          a policy.
        </li>
        <li>
          Probes attack as the application’s role, one transaction per case, always rolled back. A
          refusal by PostgreSQL counts as a refusal; any other error proves nothing and makes the
          cell unknown.
        </li>
        <li>
          A verdict of holds needs all cases tried, nothing indeterminate, and positive controls in
          which tenants saw their own rows.
        </li>
        <li>A violated cell carries the smallest input found that shows it.</li>
        <li>
          Speed is a ratio of two variants that were measured interleaved in one run on one backend.
        </li>
      </ul>
      <dl class="facts">
        <dt>The same run</dt>
        <dd>
          <code>npx watertight run --seed {run.seed}</code>
        </dd>
        <dt>One finding</dt>
        <dd>
          <code>npx watertight replay FINDING-ID</code>
        </dd>
        <dt>The gate again</dt>
        <dd>
          <code>npx watertight check</code> (needs no database)
        </dd>
      </dl>
    </Section>
  )
}
