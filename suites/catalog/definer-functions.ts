// A SECURITY DEFINER function without a pinned search_path runs the caller's objects with its owner's rights.

import { defineCatalogProbe, literal, type FunctionEntry, type World } from '../../src/index.ts'

export default defineCatalogProbe({
  claim:
    "No SECURITY DEFINER function that the application calls resolves names by the caller's search_path",
  source:
    'https://www.postgresql.org/docs/current/sql-createfunction.html#SQL-CREATEFUNCTION-SECURITY',
  severity: 'high',
  needs: ['rows'],
  remedy:
    'ALTER FUNCTION {relation} SET search_path = pg_catalog, pg_temp; and qualify every name in its body',
  cells: (world) => {
    const found = callable(world)
    return found.length === 0
      ? [{ object: null, name: '(every function)', path: 'definer' }]
      : found.map((entry) => ({ object: null, name: signature(entry), path: 'definer' }))
  },
  inspect: (world, cell) => {
    const entry = callable(world).find((each) => signature(each) === cell.name)
    const pinned = entry?.settings.some((setting) => setting.startsWith('search_path=')) ?? true
    return {
      sentence:
        entry === undefined || pinned
          ? null
          : `${signature(entry)} runs with the rights of ${entry.owner} and resolves names by the caller's search_path`,
      evidenceSql:
        `SELECT count(*) AS definer_functions FROM pg_proc WHERE prosecdef AND proname = ` +
        `${literal(entry?.name ?? '')}`,
    }
  },
})

/** SQL-standard bodies are resolved when they are created; C functions have no names to resolve. */
function callable(world: World): readonly FunctionEntry[] {
  return world.catalog.functions.filter(
    (entry) =>
      entry.securityDefiner &&
      entry.applicationMayExecute &&
      entry.language !== 'c' &&
      entry.language !== 'internal' &&
      entry.source !== '',
  )
}

function signature(entry: FunctionEntry): string {
  return `${entry.schema}.${entry.name}(${entry.argumentTypes.join(', ')})`
}
