// PostgreSQL has defects of its own, and old minors have more: each is tried, whatever the version says.

import { defineServerProbe } from '../../src/index.ts'

export default defineServerProbe({
  claim: 'The server enforces privileges and row security as its documentation says',
  source: 'https://www.postgresql.org/support/security/',
  severity: 'high',
  needs: ['server', 'rows', 'writes'],
  remedy: 'Upgrade the server to the last minor of its major version; {relation} is repaired there',
})
