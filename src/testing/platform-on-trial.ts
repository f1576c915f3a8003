/** The reference platform on a server of its own, both databases seeded: what tests of src/dotmac run on. */

import {
  ScratchPlatform,
  type ScratchPlatformOptions,
} from '../reference/platform/scratch-platform.ts'
import { installedBase } from './installed-base.ts'

export type PlatformOnTrial = ScratchPlatform

export const PlatformOnTrial = {
  /** Each has its own server; what is the same in all of them was installed once. */
  async start(options: ScratchPlatformOptions = {}): Promise<PlatformOnTrial> {
    const base = await installedBase(`platform ${JSON.stringify(options)}`, async () => {
      const platform = await ScratchPlatform.start(options)
      return { server: platform.open.server, end: () => platform[Symbol.asyncDispose]() }
    })
    return ScratchPlatform.start(base === null ? options : { ...options, base })
  },
}
