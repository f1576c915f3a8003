/** What the questions of the survey have in common: whose schemas they ask about, and the form of the answer. */

export const userSchema = `n.nspname NOT IN ('pg_catalog', 'information_schema')
  AND n.nspname NOT LIKE 'pg\\_toast%' AND n.nspname NOT LIKE 'pg\\_temp%'`

export const asJson = (query: string) =>
  `SELECT coalesce(json_agg(x), '[]')::text AS answer FROM (${query}) x`
