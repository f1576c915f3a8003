/** The published shape of report.json, for readers in other languages and for stored runs. */

import { z } from 'zod'
import type { Report } from '../model/report.ts'
import { severities } from '../model/severity.ts'
import { generatedSchema } from './schema-generated.ts'
import { detector, killWitness } from './schema-detector.ts'
import { findingSchema, outcome, verdictSchema } from './schema-verdict.ts'

const count = z.number().int().nonnegative()
const text = z.string()
const titled = z.object({ id: text, title: text, reason: text }).readonly()

const interval = z
  .object({ low: z.number(), high: z.number(), level: z.number().min(0).max(1) })
  .readonly()

const measurement = z
  .object({
    id: text,
    gauge: text,
    query: text,
    variant: text,
    reference: text,
    ratio: z.number(),
    interval,
    comparison: z.enum(['different', 'no difference shown', 'cannot tell']),
    smallestVisible: z.number(),
    cpuRatio: z.number().nullable(),
    pairs: count,
    statementsPerBlock: count,
    latencyMsP50: z.number(),
    latencyMsP95: z.number(),
    referenceLatencyMsP50: z.number(),
    latencyMsP99: z.number().nullable(),
    quantilesMs: z.array(z.tuple([z.number(), z.number()]).readonly()).readonly(),
    capped: z.boolean(),
    note: text.nullable(),
  })
  .readonly()

const plan = z
  .object({
    id: text,
    query: text,
    variant: text,
    relation: text,
    expectedIndex: text.nullable(),
    usedIndexes: z.array(text).readonly(),
    placement: z.enum(['index condition', 'filter', 'one-time filter', 'none']),
    rowsRemoved: z.number(),
    partitionsTotal: count.nullable(),
    partitionsScanned: count.nullable(),
    outcome: outcome.exclude(['inapplicable']),
    reason: text,
    text,
  })
  .readonly()

const coverage = z
  .object({
    probesAsked: count,
    probesTried: count,
    cellsAsked: count,
    cellsTried: count,
    cellsHeld: count,
    cellsViolated: count,
    cellsUnknown: count,
    cellsInapplicable: count,
    objects: count,
    casesTried: count,
    filter: z
      .object({ probes: count, of: count, grep: text })
      .readonly()
      .nullable()
      .exactOptional(),
    poolers: z
      .array(
        z
          .object({ title: text, tested: z.boolean(), reason: text, hint: text.nullable() })
          .readonly(),
      )
      .readonly(),
    untested: z.array(z.object({ what: text, why: text }).readonly()).readonly(),
    assumptions: z.array(text).readonly(),
  })
  .readonly()

const run = z
  .object({
    id: text,
    command: text,
    startedAt: z.iso.datetime(),
    finishedAt: z.iso.datetime(),
    durationMs: z.number(),
    seed: z.number().int(),
    tenants: z.array(z.object({ id: text, rows: count }).readonly()).readonly(),
    partial: z.boolean(),
    cutShortBy: z
      .object({
        by: z.enum(['bug', 'signal', 'server', 'time', 'error']),
        text,
        signal: z.enum(['SIGINT', 'SIGTERM']).exactOptional(),
      })
      .readonly()
      .nullable(),
    stages: z.array(z.object({ stage: text, durationMs: z.number() }).readonly()).readonly(),
  })
  .readonly()

const exitCode = z.literal([0, 1, 2, 3, 4, 70, 130, 143])

const search = z
  .object({
    budgetMs: count.nullable(),
    workers: count,
    firstPassMs: z.number().nullable(),
    rounds: count,
    cases: count,
    sqlstates: count,
    planShapes: count,
    known: z.object({ tried: count, leaking: count }).readonly(),
  })
  .readonly()

export const reportSchema = z
  .object({
    reportVersion: z.literal(1),
    tool: z
      .object({ name: z.literal('watertight'), version: text, commit: text.nullable() })
      .readonly(),
    run,
    target: z
      .object({
        kind: z.enum(['embedded', 'named']),
        address: text,
        serverVersion: text,
        serverVersionNum: count,
        databases: z.array(text).readonly(),
        kept: z.boolean(),
        unexamined: z.array(text).readonly().exactOptional(),
      })
      .readonly(),
    settings: z
      .record(
        text,
        z
          .object({ value: z.unknown(), origin: z.enum(['flag', 'env', 'file', 'default']) })
          .readonly(),
      )
      .readonly(),
    verdict: z.object({ word: text, exitCode, sentence: text }).readonly(),
    gates: z
      .array(
        z
          .object({
            id: text,
            kind: z.enum(['isolation', 'coverage', 'performance', 'detector']),
            expression: text,
            value: text,
            state: z.enum(['open', 'shut', 'undecided']),
            reason: text,
          })
          .readonly(),
      )
      .readonly(),
    coverage,
    findings: z.array(findingSchema).readonly(),
    verdicts: z.array(verdictSchema).readonly(),
    measurements: z.array(measurement).readonly(),
    plans: z.array(plan).readonly(),
    mutants: z
      .object({
        total: count,
        killed: count,
        survived: z
          .array(
            z
              .object({ id: text, title: text, class: text.nullable().optional(), reason: text })
              .readonly(),
          )
          .readonly(),
        kills: z
          .array(
            z
              .object({
                id: text,
                title: text,
                class: text.nullable().optional(),
                probe: text,
                basis: z.enum(['executed', 'catalogue']).optional(),
                cases: count,
                ms: z.number(),
                witness: killWitness.optional(),
              })
              .readonly(),
          )
          .readonly(),
        classes: z
          .object({
            tried: count,
            killed: count,
            list: z
              .array(z.object({ id: text, title: text, mutants: count, killed: count }).readonly())
              .readonly(),
          })
          .readonly()
          .optional(),
      })
      .readonly(),
    controls: z
      .object({ total: count, silent: count, noisy: z.array(titled).readonly() })
      .readonly(),
    generated: generatedSchema.optional(),
    detector: detector.optional(),
    search: search.optional(),
    servers: z
      .array(
        z
          .object({
            version: text,
            versionNum: count,
            durationMs: z.number(),
            defects: z
              .array(
                z
                  .object({
                    id: text,
                    title: text,
                    severity: z.enum(severities),
                    source: text,
                    path: text.nullable(),
                    affected: z.boolean(),
                    fixedIn: text.nullable(),
                    named: z.boolean(),
                    seen: z.enum(['caught', 'absent', 'unknown', 'not tried']),
                    reason: text,
                  })
                  .readonly(),
              )
              .readonly(),
          })
          .readonly(),
      )
      .readonly()
      .optional(),
    timeline: z
      .array(
        z
          .object({
            world: text,
            pooler: text,
            backendPid: z.number().int(),
            tenant: text,
            startMs: z.number(),
            endMs: z.number(),
            sawForeign: z.boolean(),
          })
          .readonly(),
      )
      .readonly(),
    environment: z
      .object({
        node: text,
        platform: text,
        cpus: count,
        cpuModel: text,
        memoryBytes: z.number(),
        serverVersion: text,
        serverSettings: z.record(text, text).readonly(),
        nodePeakRssBytes: z.number(),
      })
      .readonly(),
  })
  .readonly()

/** JSON Schema 2020-12 of report.json. */
export function publishedSchema(): object {
  return z.toJSONSchema(reportSchema)
}

type Plain<T> = T extends readonly (infer Element)[]
  ? number extends T['length']
    ? Plain<Element>[]
    : { -readonly [Key in keyof T]: Plain<T[Key]> }
  : T extends object
    ? { -readonly [Key in keyof T]: Plain<T[Key]> }
    : T

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

/** Compiles only while the schema and the type describe the same values, optional keys included. */
export const schemaMatchesReport: Same<Plain<z.infer<typeof reportSchema>>, Plain<Report>> = true
