/** The file of counterexamples that earlier runs found: its shape, for what is read from a checkout. */

import { z } from 'zod'
import { services, tenancies } from '../../model/tenancy.ts'

const entrySchema = z.strictObject({
  probe: z.string(),
  suite: z.string(),
  service: z.enum(services),
  tenancy: z.enum(tenancies),
  object: z.string(),
  command: z.string(),
  /** Coordinates of the minimal input; they say nothing about rows. */
  replay: z.strictObject({
    seed: z.number().int(),
    path: z.string(),
    replayPath: z.string().nullable(),
  }),
  foundAt: z.iso.datetime(),
})
export type KnownCounterexample = z.infer<typeof entrySchema>

const fileSchema = z.strictObject({ version: z.literal(1), counterexamples: z.array(entrySchema) })

/** @throws SyntaxError or ZodError when it is no such file. */
export function parseKnown(text: string): readonly KnownCounterexample[] {
  return fileSchema.parse(JSON.parse(text)).counterexamples
}
