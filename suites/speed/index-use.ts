// Whether the seed's tenant-leading indexes serve the tenant predicate that a policy adds.

import { checkIndexUse, defineGauge } from '../../src/index.ts'

export default defineGauge({
  claim:
    'The tenant predicate of every policy is an index condition, and partitions are pruned by it',
  source: 'https://www.postgresql.org/docs/current/using-explain.html',
  share: 1,
  measure: checkIndexUse,
})
