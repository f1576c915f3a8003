// A version tells which defects a server has, those too that nobody can show here without harm.

import {
  defineCatalogProbe,
  fixOf,
  isAffected,
  lastRowSecurityFix,
  serverDefects,
  versionText,
  type World,
} from '../../src/index.ts'

/** The one defect that a platform can keep out of reach: by the tenant in every unique key. */
const needsSharedKey = 'CVE-2026-120154'

export default defineCatalogProbe({
  claim: 'The server is new enough to have no known defect of privileges and row security',
  source: 'https://www.postgresql.org/support/security/',
  severity: 'medium',
  needs: ['server'],
  remedy: 'Upgrade the server to the last minor of its major version; {relation} is repaired there',
  cells: (world) =>
    world.speaksFor.has('server')
      ? serverDefects.map(({ id }) => ({ object: null, name: id, path: 'server version' }))
      : [],
  inspect: (world, cell) => {
    const version = world.catalog.serverVersionNum
    const evidenceSql = `SELECT current_setting('server_version') AS version`
    const defect = serverDefects.find(({ id }) => id === cell.name)
    if (defect === undefined || !isAffected(defect, version)) return { sentence: null, evidenceSql }
    const last = lastRowSecurityFix(version)
    const older =
      last?.defect === defect
        ? `, which is the last repair of row security in this major version`
        : ''
    const reach = defect.id !== needsSharedKey ? null : sharedKeys(world)
    const keys =
      reach === null
        ? ''
        : reach.length === 0
          ? '; every unique key here contains the tenant, so no row of another tenant can conflict'
          : `; ${reach.slice(0, 3).join(', ')} can conflict across tenants`
    const also = defect.alsoDo === undefined ? '' : `; besides, ${defect.alsoDo}`
    return {
      sentence:
        `PostgreSQL ${versionText(version)} has ${defect.id}: ${defect.title}; ` +
        `fixed in ${fixOf(defect, version) ?? 'no version'}${older}${keys}${reach?.length === 0 ? '' : also}`,
      severity: reach?.length === 0 ? 'low' : defect.severity,
      evidenceSql,
    }
  },
})

/** Tables that the application may upsert, with a unique key that two tenants can share. */
function sharedKeys(world: World): readonly string[] {
  return world.catalog.relations
    .filter(
      ({ tenantColumn, applicationPrivileges }) =>
        tenantColumn !== null &&
        applicationPrivileges.includes('INSERT') &&
        applicationPrivileges.includes('UPDATE'),
    )
    .filter(({ tenantColumn, primaryKey, uniqueKeys }) =>
      [primaryKey, ...uniqueKeys].some(
        (key) => key.length > 0 && !key.includes(tenantColumn ?? ''),
      ),
    )
    .map(({ name }) => name)
}
