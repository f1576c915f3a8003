/** How much of the fixed part of a search a run affords; a replay must use the same. */

/** Under --quick only the first tenants attack by the fixed inputs, all of them by the random ones. */
export const quickLimits = { examplesMax: 6, controlTenantsMax: 3 } as const

export function searchLimits({ quick }: { readonly quick: boolean }): Partial<typeof quickLimits> {
  return quick ? quickLimits : {}
}
