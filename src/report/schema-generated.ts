/** The published shape of the score of generated mutants. */

import { z } from 'zod'

const count = z.number().int().nonnegative()
const text = z.string()

const edit = z
  .object({ id: text, kind: text, title: text, world: text, sql: text, truth: text, reason: text })
  .readonly()

export const generatedSchema = z
  .object({
    seed: count,
    candidates: count,
    tried: count,
    reaching: count,
    killed: count,
    interval: z
      .object({ low: z.number(), high: z.number(), level: z.number().min(0).max(1) })
      .readonly(),
    latent: count,
    reported: count,
    own: count,
    equivalent: count,
    undecided: z.array(edit).readonly(),
    kinds: z
      .array(
        z
          .object({
            kind: text,
            tried: count,
            reaching: count,
            killed: count,
            latent: count,
            reported: count,
          })
          .readonly(),
      )
      .readonly(),
    survivors: z.array(edit).readonly(),
    unreported: z.array(edit).readonly(),
  })
  .readonly()
