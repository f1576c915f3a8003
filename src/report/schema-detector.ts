/** The part of the published shape that says what a run proved of its own detector. */

import { z } from 'zod'
import { row } from './schema-verdict.ts'

const count = z.number().int().nonnegative()
const text = z.string()

export const killWitness = z
  .object({
    object: text,
    path: text,
    sentence: text,
    victim: text.nullable(),
    statements: z.array(text).readonly(),
    rows: z.array(row).readonly(),
  })
  .readonly()

export const detector = z
  .object({
    probes: z
      .array(
        z
          .object({
            probe: text,
            proven: z.boolean(),
            mutant: text.nullable(),
            reason: text,
            blindCells: count.nullable(),
          })
          .readonly(),
      )
      .readonly(),
    build: z.object({ faults: z.array(text).readonly(), parts: count }).readonly(),
  })
  .readonly()
