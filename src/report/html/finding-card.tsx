/** One finding: the sentence, the evidence, why it counts, the repair, how to see it again. */

import type { Finding } from '../../model/finding.ts'
import { worldKey } from '../../model/tenancy.ts'
import { formatCount, formatMs } from '../number.ts'
import { shortened, visibleBlock } from '../text.ts'
import { Evidence } from './evidence.tsx'
import { Pill } from './section.tsx'
import { Code, Value } from './value.tsx'

interface FindingCardProps {
  readonly finding: Finding
  readonly open: boolean
  /** Without evidence when a page would grow too long; the transcript has it. */
  readonly brief: boolean
}

export function FindingCard({ finding, open, brief }: FindingCardProps) {
  const { counterexample, severity } = finding
  return (
    <details class="finding" id={finding.id} open={open} data-severity={severity}>
      <summary>
        <Pill tone={severity === 'critical' || severity === 'high' ? 'bad' : 'warn'}>
          {severity}
        </Pill>{' '}
        <Value text={finding.title} max={320} />
        <span class="where">
          <Code text={finding.object} /> · <Value text={finding.command} /> ·{' '}
          {worldKey(finding.world)}
        </span>
      </summary>
      {brief ? (
        <p class="cut">The evidence of this finding is in its transcript and in report.json.</p>
      ) : (
        <Evidence steps={counterexample.steps} label={finding.id} />
      )}
      <dl class="facts">
        <dt>Why</dt>
        <dd>
          <Value text={finding.why} max={600} /> <Source url={finding.source} />
        </dd>
        <dt>Found</dt>
        <dd>
          {finding.basis === 'executed' ? 'by executing it' : 'in the system tables'}, at case{' '}
          {formatCount(counterexample.casesToWitness)} after {formatMs(counterexample.msToWitness)},
          shrunk {formatCount(counterexample.shrinks)} times
          {counterexample.login !== '' && (
            <>
              , as <Code text={counterexample.login} />
            </>
          )}
        </dd>
        <dt>Repair</dt>
        <dd>
          <pre>
            <bdi>{shortened(visibleBlock(finding.remedy), 1_000)}</bdi>
          </pre>
        </dd>
        <dt>Replay</dt>
        <dd>
          <code>watertight replay {finding.id}</code>{' '}
          <span class="dim">
            (<Value text={finding.replay} max={120} />)
          </span>
        </dd>
        {finding.transcript !== null && (
          <>
            <dt>Transcript</dt>
            <dd>
              <code>
                {openedBy(finding)}
                <Value text={finding.transcript} />
              </code>
            </dd>
          </>
        )}
      </dl>
    </details>
  )
}

/** The program that runs the transcript; what the operator does is only told. */
function openedBy({ transcript, database }: Finding) {
  if (transcript?.endsWith('.txt') === true) return null
  return transcript?.endsWith('.sh') === true ? (
    'sh '
  ) : (
    <>
      psql -X -d <Value text={database} /> -f{' '}
    </>
  )
}

/** Only web addresses become links; anything else is shown as text. */
function Source({ url }: { readonly url: string }) {
  if (!/^https:\/\/[^\s"'<>]+$/.test(url)) return <Value text={url} max={200} />
  return (
    <a href={url} rel="noreferrer">
      source
    </a>
  )
}
