// The same sequences behind pgbouncer in transaction mode, where sessions are a fiction.

import { defineContextProbe } from '../../src/index.ts'

export default defineContextProbe({
  claim: "Behind pgbouncer in transaction mode no request sees rows of another client's tenant",
  source: 'https://www.pgbouncer.org/features.html',
  severity: 'critical',
  needs: ['pgbouncer'],
  remedy:
    'Use set_config(..., true) and SET LOCAL only; server_reset_query does not run in transaction mode',
  pooler: 'pgbouncer',
  form: 'commands',
})
