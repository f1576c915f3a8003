/** Tenants whose tables are not there, told beside the answer, which goes on without them. */

import { isLost, sentenceOf, type TenantWithout } from '../../dotmac/tenants-here.ts'
import { visible } from '../../report/text.ts'

/** Exit 3 when one of them should have rows: what was not looked at must not look empty. */
export function toldWithout(without: readonly TenantWithout[]): 0 | 3 {
  for (const each of without) console.error(`note: ${visible(sentenceOf(each))}`)
  return without.some(isLost) ? 3 : 0
}
