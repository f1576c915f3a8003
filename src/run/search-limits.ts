/** How much of the fixed part of a search a run affords; a replay must use the same. */

import type { Settings } from '../config/settings.ts'

/** Under --quick only the first tenants attack by the fixed inputs, all of them by the random ones. */
const quickExamplesMax = 6

export function searchLimits({ quick }: Pick<Settings, 'quick'>): { readonly examplesMax?: number } {
  return quick ? { examplesMax: quickExamplesMax } : {}
}
