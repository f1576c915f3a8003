/** Writes the renderings, the transcripts and the decision of a run, and points `latest` at it. */

import { WatertightError } from '../../errors.ts'
import type { Finding } from '../../model/finding.ts'
import type { Report } from '../../model/report.ts'
import type { ReportFormat } from '../../report/format.ts'
import { renderOperationsTranscript } from '../../report/operations-transcript.ts'
import { renderShellTranscript } from '../../report/shell-transcript.ts'
import { renderTranscript } from '../../report/transcript.ts'
import { loadFolder } from '../../registry.ts'
import type { RunDirectory } from './run-directory.ts'

export interface WriteOptions {
  readonly directory: RunDirectory
  /** Names of formats; report.json is always written, every other rendering comes from it. */
  readonly formats: readonly string[]
}

/** @throws WatertightError WATERTIGHT_BAD_SETTING for a format that does not exist. */
export async function writeReports(
  report: Report,
  { directory, formats }: WriteOptions,
): Promise<void> {
  const wanted = await reportFormats(formats)
  directory.writeJson('verdicts.json', report.verdicts)
  directory.writeJson('measurements.json', {
    measurements: report.measurements,
    plans: report.plans,
  })
  for (const finding of report.findings) {
    if (finding.transcript === null) continue
    directory.write(finding.transcript, transcriptOf(finding))
  }
  for (const format of wanted) directory.write(`report.${format.extension}`, format.render(report))
  directory.writeJson('decision.json', { verdict: report.verdict, gates: report.gates })
  directory.markLatest()
}

/** The renderings of these names. @throws WatertightError WATERTIGHT_BAD_SETTING for one that does not exist. */
export async function reportFormats(names: readonly string[]): Promise<readonly ReportFormat[]> {
  const known = await loadFolder('src/report/formats', (value) => value as ReportFormat)
  return [...new Set(['json', ...names])].map((name) => {
    const found = known.find(({ value }) => value.title === name)
    if (found !== undefined) return found.value
    throw new WatertightError(
      'WATERTIGHT_BAD_SETTING',
      `There is no report format ${JSON.stringify(name)}`,
      { hint: `Formats: ${known.map(({ value }) => value.title).join(', ')}` },
    )
  })
}

function transcriptOf(finding: Finding): string {
  if (finding.way === 'service') return renderShellTranscript(finding)
  if (finding.way === 'operations') return renderOperationsTranscript(finding)
  return renderTranscript(finding, { database: finding.database })
}
