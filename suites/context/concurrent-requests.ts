// Concurrent requests over the driver's pool, interleaved at every await.

import { defineContextProbe } from '../../src/index.ts'

export default defineContextProbe({
  claim: "Concurrent requests never share a connection's context, in whatever order they proceed",
  source: 'https://node-postgres.com/features/pooling',
  severity: 'critical',
  needs: ['pool'],
  remedy:
    'Give every request a client of its own from checkout to release; never keep a client or a tenant in a ' +
    'shared variable',
  pooler: 'driver',
  form: 'interleaving',
})
