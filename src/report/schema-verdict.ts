/** The part of the published shape that verdicts and findings share: evidence, steps, witnesses. */

import { ways } from '../model/way.ts'
import { z } from 'zod'
import { services, tenancies } from '../model/tenancy.ts'
import { outcomes, severities } from '../model/verdict.ts'

const count = z.number().int().nonnegative()
const text = z.string()
const severity = z.enum(severities)
export const outcome = z.enum(outcomes)

const world = z
  .object({
    service: z.enum(services),
    tenancy: z.enum(tenancies),
    variant: z.enum(['hardened', 'as-written']),
  })
  .readonly()

export const row = z.record(text, z.union([text, z.number(), z.boolean(), z.null()])).readonly()

const heard = { notices: z.array(text).readonly().exactOptional() }

const observation = z.discriminatedUnion('kind', [
  z
    .object({
      ...heard,
      kind: z.literal('rows'),
      rows: z.array(row).readonly(),
      affected: z.number().nullable(),
      truncated: z.boolean(),
    })
    .readonly(),
  z.object({ ...heard, kind: z.literal('refused'), sqlstate: text, message: text }).readonly(),
  z
    .object({
      ...heard,
      kind: z.literal('indeterminate'),
      sqlstate: text.nullable(),
      message: text,
    })
    .readonly(),
])

const step = z
  .object({
    sql: text,
    role: z.enum(['attack', 'comparison', 'control', 'proof', 'context']),
    copyData: text.exactOptional(),
    observation,
  })
  .readonly()

const counterexample = z
  .object({
    input: z.unknown(),
    steps: z.array(step).readonly(),
    witness: z
      .object({
        sentence: text,
        rows: z.array(row).readonly(),
        victim: text.nullable(),
        command: text,
        severity: severity.exactOptional(),
        inherent: text.exactOptional(),
      })
      .readonly(),
    replay: z
      .object({ seed: z.number().int(), path: text, replayPath: text.nullable() })
      .readonly(),
    shrinks: count,
    casesToWitness: count,
    msToWitness: z.number(),
    login: text,
  })
  .readonly()

const evidence = z
  .object({
    casesAsked: count,
    casesTried: count,
    controlsTried: count,
    controlsSeen: count,
    refused: count,
    indeterminate: count,
    sharedBackends: count.nullable(),
  })
  .readonly()

const cell = z
  .object({
    object: text,
    path: text,
    outcome,
    reason: text,
    evidence,
    counterexample: counterexample.nullable(),
    inherent: z.object({ channel: text, seen: text }).readonly().exactOptional(),
    indeterminate: z
      .array(z.object({ sql: text, sqlstate: text.nullable(), message: text }).readonly())
      .readonly(),
    askedAgain: z.literal(true).optional(),
  })
  .readonly()

/** Records of before have none, and asked by sessions mostly. */
const way = z.enum(ways).default('session')
const basis = z.enum(['executed', 'catalogue'])

export const verdictSchema = z
  .object({
    probe: text,
    suite: text,
    way,
    claim: text,
    source: text,
    severity,
    remedy: text,
    world,
    database: text,
    basis,
    outcome,
    reason: text,
    evidence,
    cells: z.array(cell).readonly(),
    durationMs: z.number(),
  })
  .readonly()

export const findingSchema = z
  .object({
    id: text,
    fingerprint: text,
    probe: text,
    suite: text,
    way,
    severity,
    title: text,
    object: text,
    command: text,
    world,
    database: text,
    basis,
    gating: z.boolean(),
    why: text,
    source: text,
    remedy: text,
    counterexample,
    replay: text,
    transcript: text.nullable(),
  })
  .readonly()
