/** The whole page in the order in which it is read: the answer, its evidence, its limits, the rest. */

import type { Report } from '../../model/report.ts'
import { CoverageSection } from './coverage.tsx'
import { EnvironmentSection } from './environment.tsx'
import { Findings } from './findings.tsx'
import { Matrices } from './matrix-table.tsx'
import { Method } from './method.tsx'
import { Mutants } from './mutants.tsx'
import { Performance } from './performance.tsx'
import { RawData } from './raw-data.tsx'
import { Tenancies } from './tenancies.tsx'
import { Tiles } from './tiles.tsx'
import { Timeline } from './timeline.tsx'
import { Title } from './title.tsx'
import { VerdictBar } from './verdict-bar.tsx'

export function Page({ report }: { readonly report: Report }) {
  return (
    <>
      <a class="skip" href="#main">
        Skip to the verdict
      </a>
      <Title report={report} />
      <main id="main">
        <VerdictBar report={report} />
        <Tiles report={report} />
        <Findings report={report} />
        <Matrices report={report} />
        <CoverageSection report={report} />
        <Mutants report={report} />
        <Tenancies report={report} />
        <Performance report={report} />
        <Timeline report={report} />
        <EnvironmentSection report={report} />
        <Method report={report} />
        <RawData report={report} />
      </main>
    </>
  )
}
