/** Turns violated cells into findings: one per cell, with a key that survives from run to run. */

import type { Way } from '../model/way.ts'
import { createHash } from 'node:crypto'
import type { Finding } from '../model/finding.ts'
import { worldKey } from '../model/tenancy.ts'
import {
  severities,
  type CellVerdict,
  type Counterexample,
  type ReplayToken,
  type Verdict,
} from '../model/verdict.ts'

/** Gating findings first, then worst first; the order depends on nothing but the verdicts. */
export function findingsOf(verdicts: readonly Verdict[]): Finding[] {
  const byFingerprint = new Map<string, Finding>()
  for (const verdict of verdicts) {
    for (const cell of violatedCells(verdict)) {
      const finding = findingOf(verdict, cell)
      if (!byFingerprint.has(finding.fingerprint)) byFingerprint.set(finding.fingerprint, finding)
    }
  }
  return [...byFingerprint.values()].sort(compareFindings)
}

/** A violated verdict without a violated cell must not vanish: it becomes a cell of its own. */
function violatedCells(verdict: Verdict): readonly CellVerdict[] {
  const cells = verdict.cells.filter((cell) => cell.outcome === 'violated')
  if (cells.length > 0 || verdict.outcome !== 'violated') return cells
  const { outcome, reason, evidence } = verdict
  return [
    {
      object: '(whole world)',
      path: 'any',
      outcome,
      reason,
      evidence,
      counterexample: null,
      indeterminate: [],
    },
  ]
}

function findingOf(verdict: Verdict, cell: CellVerdict): Finding {
  const { tenancy, variant, service } = verdict.world
  const fingerprint = `${verdict.probe}:${tenancy}/${variant}:${service}.${cell.object}:${cell.path}`
  const id = `${verdict.probe}-${createHash('sha256').update(fingerprint).digest('hex').slice(0, 8)}`
  const counterexample = cell.counterexample ?? withoutSteps(cell)
  const executable = verdict.basis === 'executed' && counterexample.steps.length > 0
  return {
    id,
    fingerprint,
    probe: verdict.probe,
    suite: verdict.suite,
    way: verdict.way,
    severity: counterexample.witness.severity ?? verdict.severity,
    title: counterexample.witness.sentence,
    object: cell.object,
    command: cell.path,
    world: verdict.world,
    database: verdict.database,
    basis: verdict.basis,
    gating: variant !== 'as-written',
    why: `Claimed: ${verdict.claim}. Found: ${cell.reason}`,
    source: verdict.source,
    remedy: verdict.remedy.replaceAll('{relation}', () => cell.object),
    counterexample,
    replay: replayText(counterexample.replay),
    transcript: executable ? `transcripts/${id}.${extensions[verdict.way] ?? 'sql'}` : null,
  }
}

/** What is sent over HTTP is repeated from a shell; what the operator does is told. */
const extensions: Readonly<Partial<Record<Way, string>>> = { service: 'sh', operations: 'txt' }

/** A catalogue finding may have nothing to execute; its sentence is then the cell's reason. */
function withoutSteps(cell: CellVerdict): Counterexample {
  return {
    input: null,
    steps: [],
    witness: { sentence: cell.reason, rows: [], victim: null, command: cell.path },
    replay: { seed: 0, path: '', replayPath: null },
    shrinks: 0,
    casesToWitness: cell.evidence.casesTried,
    msToWitness: 0,
    login: '',
  }
}

function replayText(token: ReplayToken): string {
  const text = `${token.seed},${token.path}`
  return token.replayPath === null ? text : `${text},${token.replayPath}`
}

function compareFindings(a: Finding, b: Finding): number {
  return (
    Number(b.gating) - Number(a.gating) ||
    severities.indexOf(a.severity) - severities.indexOf(b.severity) ||
    Number(a.basis === 'catalogue') - Number(b.basis === 'catalogue') ||
    compareText(worldKey(a.world), worldKey(b.world)) ||
    compareText(a.fingerprint, b.fingerprint)
  )
}

/** By code unit: the order must not depend on the locale of the machine. */
function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
