/** Wrappers around any SELECT, nested at random: the grammar's recursion. */

/** The first is what shrinking ends at. */
export const nestings = [
  'sub-select',
  'CTE',
  'materialized CTE',
  'UNION ALL',
  'LATERAL',
  'DISTINCT',
  'EXCEPT nothing',
  'ordered',
  'row',
] as const
export type Nesting = (typeof nestings)[number]

/** Applies the wrappers from the inside to the outside; names are numbered so that none hides another. */
export function nested(sql: string, wrappers: readonly Nesting[]): string {
  return wrappers.reduce((inner, wrapper, depth) => wrap(inner, wrapper, `n${depth}`), sql)
}

function wrap(sql: string, nesting: Nesting, name: string): string {
  switch (nesting) {
    case 'sub-select':
      return `SELECT * FROM (${sql}) ${name}`
    case 'CTE':
      return `WITH ${name} AS NOT MATERIALIZED (${sql}) SELECT * FROM ${name}`
    case 'materialized CTE':
      return `WITH ${name} AS MATERIALIZED (${sql}) SELECT * FROM ${name}`
    case 'UNION ALL':
      return `(${sql}) UNION ALL (SELECT * FROM (${sql}) ${name} LIMIT 0)`
    case 'LATERAL':
      return `SELECT ${name}.* FROM (SELECT 1) one, LATERAL (${sql}) ${name}`
    case 'DISTINCT':
      return `SELECT ${name}.* FROM (${sql}) ${name} WHERE EXISTS (SELECT DISTINCT 1)`
    case 'EXCEPT nothing':
      return `SELECT ${name}.* FROM (${sql}) ${name} WHERE 1 IN (SELECT 1 EXCEPT SELECT 2)`
    case 'ordered':
      return `SELECT * FROM (${sql}) ${name} ORDER BY ${name}::text DESC LIMIT 200`
    case 'row':
      return `SELECT to_jsonb(${name}) AS whole FROM (${sql}) ${name}`
  }
}
