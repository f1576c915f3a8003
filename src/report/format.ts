/** What a file of src/report/formats exports by default: a new format is one such file. */

import type { Report } from '../model/report.ts'

export interface ReportFormat {
  readonly title: string
  /** Without the dot. */
  readonly extension: string
  /** Pure: the same report gives the same text. */
  readonly render: (report: Report) => string
}
