/** Planner settings by which an attacker forces another order of evaluation; every role may change them. */

/** The first is what shrinking ends at. */
export const planners = [
  'as is',
  'no indexes',
  'no seqscan',
  'generic plans',
  'parallel',
  'no hashing',
  'nested loops',
] as const
export type Planner = (typeof planners)[number]

/** https://www.postgresql.org/docs/current/runtime-config-query.html */
export function plannerSettings(planner: Planner, serverVersionNum: number): readonly string[] {
  switch (planner) {
    case 'as is':
      return []
    case 'no indexes':
      return off('enable_indexscan', 'enable_indexonlyscan', 'enable_bitmapscan')
    case 'no seqscan':
      return off('enable_seqscan')
    case 'generic plans':
      return ['SET LOCAL plan_cache_mode = force_generic_plan']
    case 'parallel':
      return [
        `SET LOCAL ${serverVersionNum >= 160000 ? 'debug_parallel_query' : 'force_parallel_mode'} = on`,
        'SET LOCAL parallel_setup_cost = 0',
        'SET LOCAL parallel_tuple_cost = 0',
        'SET LOCAL min_parallel_table_scan_size = 0',
      ]
    case 'no hashing':
      return off('enable_hashjoin', 'enable_hashagg', 'enable_memoize')
    case 'nested loops':
      return off('enable_hashjoin', 'enable_mergejoin', 'enable_material')
  }
}

function off(...names: readonly string[]): readonly string[] {
  return names.map((name) => `SET LOCAL ${name} = off`)
}
