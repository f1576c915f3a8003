// Every way of binding a tenant, of ending the request, on every pooler: measured, and compared with what the
// documentation says. A leaking cell must leak: what is written about safe ways may not rot.

import { definePoolMatrix } from '../../src/index.ts'

export default definePoolMatrix({
  claim: 'Each way of binding a tenant is as safe on each pooler as its documentation says',
  source: 'https://www.pgbouncer.org/features.html',
  severity: 'high',
  needs: ['pool'],
  remedy:
    'Bind the tenant with set_config(.., true) inside a transaction: no pooler carries it over',
})
