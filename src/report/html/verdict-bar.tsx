/** The answer, before anything else: word, sentence, every gate with its value, exit code. */

import type { GateResult, Report } from '../../model/report.ts'
import { Value } from './value.tsx'

const marks = { open: '✓', shut: '✗', undecided: '?' } as const

export function VerdictBar({ report }: { readonly report: Report }) {
  const { verdict, gates, run } = report
  return (
    <section class={`verdict ${toneOf(report)}`} aria-label="Verdict">
      <p class="word">
        {verdict.word}
        <span class="exit">exit {verdict.exitCode}</span>
      </p>
      <div>
        <p>
          <Value text={verdict.sentence} />
        </p>
        {run.partial && (
          <p>
            <strong>Partial run</strong>
            {run.cutShortBy !== null && (
              <>
                : <Value text={run.cutShortBy.text} />
              </>
            )}
          </p>
        )}
        <ul class="gates">
          {gates.map((gate) => (
            <Gate gate={gate} told={verdict.sentence.includes(gate.reason)} />
          ))}
        </ul>
      </div>
    </section>
  )
}

interface GateProps {
  readonly gate: GateResult
  /** The sentence above has said the reason already. */
  readonly told: boolean
}

function Gate({ gate, told }: GateProps) {
  return (
    <li class={gate.state}>
      <span class="mark" aria-hidden="true">
        {marks[gate.state]}
      </span>
      <code>{gate.expression}</code>{' '}
      <span class="found">
        → <Value text={gate.value} max={80} />
      </span>
      <span class="state">{gate.state}</span>
      {gate.state !== 'open' && !told && (
        <span class="reason">
          <Value text={gate.reason} max={240} />
        </span>
      )}
    </li>
  )
}

function toneOf({ verdict }: Report): 'good' | 'bad' | 'warn' {
  if (verdict.exitCode === 0) return 'good'
  return verdict.exitCode === 1 ? 'bad' : 'warn'
}
