// Sequences of requests over the driver's pool: what one leaves on a connection the next must not see.

import { defineContextProbe } from '../../src/index.ts'

export default defineContextProbe({
  claim:
    "No request over a pooled connection sees rows of an earlier or concurrent request's tenant",
  source: 'https://www.postgresql.org/docs/current/sql-set.html',
  severity: 'critical',
  needs: ['pool'],
  remedy:
    'Bind the tenant with set_config(..., true) inside one transaction, or DISCARD ALL before the connection goes back',
  pooler: 'driver',
  form: 'commands',
})
