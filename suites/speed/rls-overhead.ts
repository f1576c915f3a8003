// What row security costs against the same query with the tenant in its WHERE clause.

import { defineGauge, measureOverhead } from '../../src/index.ts'

export default defineGauge({
  claim: 'Hardened row security costs about as much as an explicit WHERE tenant_id',
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  share: 9,
  measure: measureOverhead,
})
