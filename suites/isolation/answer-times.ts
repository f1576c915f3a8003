// How long an answer takes must not tell whether another tenant's row exists. Asked for with --timing only:
// a measurement is no proof on a machine that does other work as well.

import { defineTimingProbe } from '../../src/index.ts'

export default defineTimingProbe({
  claim: "The time of an answer does not tell whether another tenant's row exists",
  source: 'https://www.postgresql.org/docs/current/ddl-rowsecurity.html',
  severity: 'low',
  needs: ['timing'],
  separatedBy: 'rows',
  remedy:
    'Put tenant_id first into the keys of {relation}, so that a foreign row is not even fetched',
})
