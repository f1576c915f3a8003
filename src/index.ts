/** The public library: what suites, strategies and other programs may use. */

export type {
  Catalog,
  Column,
  ForeignKey,
  FunctionEntry,
  Policy,
  PolicyCommand,
  Relation,
  RoleEntry,
  SchemaEntry,
  TablePrivilege,
} from './model/catalog.ts'
export type {
  ContextStrategy,
  StrategyClient,
  StrategyPool,
  StrategySession,
  StrategyTenant,
} from './model/context-strategy.ts'
export type { Attempt, Observation, Row, Statement, Step, Value, Witness } from './model/observation.ts'
export { vacuousAttempt } from './model/observation.ts'
export type { Tenant, TenantId } from './model/tenant.ts'
export {
  fixOf,
  isAffected,
  lastRowSecurityFix,
  serverDefects,
  versionText,
  type ServerDefect,
} from './model/server-defects.ts'
export { identifier, literal, qualified } from './postgres/identifier.ts'
export type { MissingContext, Tenancy } from './tenancy/tenancy.ts'

export {
  defineProbe,
  type Cell,
  type Probe,
  type ProbeDefinition,
  type Scene,
  type SearchSettings,
} from './probe/define.ts'
export { defineTimingProbe } from './probe/answer-times.ts'
export { defineCatalogProbe, type Inspection } from './probe/catalog-probe.ts'
export { definePoolMatrix } from './probe/pool-matrix/define.ts'
export { defineServerProbe, speaksForServer } from './probe/server-probe.ts'
export { defineContextProbe } from './probe/context-probe.ts'
export {
  anyAttack,
  anyPair,
  anyPairOfOwners,
  anyTenantId,
  everyAttacker,
  type Pair,
} from './probe/shared-inputs.ts'
export { cellsOf, controlOn, deferred, objectOf } from './probe/cells.ts'
export { answerOf, answersDiffer, isDenial } from './probe/differential.ts'
export { nobodysValue } from './probe/nobodys-value.ts'
export {
  attackId, attackText, copyLike, insertLike, keyCondition, sharingColumns, writableColumn,
} from './probe/statements.ts'
export { may, objectsOfKind, ownedTables, targetOf, type Target } from './probe/targets.ts'
export { affectedBy, attackRows, count, foreignRows, rowsOf, stepOf } from './probe/witness.ts'
export { wroteForeignRows, wroteTooMuch } from './probe/write-witness.ts'
export { World } from './probe/world.ts'
export type { WorldObject } from './probe/world-object.ts'

export { defineGauge, type Gauge, type GaugeContext, type GaugeResult } from './gauge/define.ts'
export { checkIndexUse } from './gauge/index-use.ts'
export { measureOverhead } from './gauge/overhead.ts'

export { anyReading, firstOwners, firstReadings, type GrammarInput } from './probe/forms/inputs.ts'
export { nested } from './probe/forms/nesting.ts'
export {
  countsTooMany, foreignContent, foreignEcho, hasValue, ownerOfRelation, rowsOfForeignRelation,
} from './probe/forms/oracle.ts'
export { plannerSettings } from './probe/forms/planner.ts'
export { readForms, type ReadForm } from './probe/forms/read-forms.ts'
export { readRequest, type ReadRequest } from './probe/forms/request.ts'
export { writeForms, type WriteForm } from './probe/forms/write-forms.ts'
export { writeRequest, type WriteRequest } from './probe/forms/write-request.ts'
export { changedForeignRows, writeAttempt } from './probe/write-probe.ts'
export { countAndHash, ownGroups, textSettings } from './probe/row-groups.ts'
export { channels, type Channel } from './model/channel.ts'
export { inherent } from './probe/inherent.ts'
export { impersonated, rowsOfTenantRemoved } from './probe/impersonated.ts'
export { existenceAttacks, existenceForms, withoutForeignRow, type ExistenceForm } from './probe/forms/existence.ts'
export { callableFunctions, callFunction, functionSignature, hostileTexts } from './probe/function-calls.ts'
export { defenceAttacks } from './probe/forms/defence-attacks.ts'
export { explainedRows } from './probe/forms/explained.ts'
export { channelAttacks } from './probe/forms/channel-attacks.ts'
export { readsWholeRows } from './probe/forms/predicates.ts'
export { exchangesOf, foreignAnswer, rowsIn } from './probe/service/answers.ts'
export { honestControl, sendAll } from './probe/service/define.ts'
export { anyServiceInput, firstServiceInputs, honestRequest, requestOf, type ServiceInput,
} from './probe/service/inputs.ts'
export { anyTwin, twinForms, twinsOf, twinsDiffer, type Twin } from './probe/service/twins.ts'
export { forgeryKinds } from './probe/service/token-forge.ts'
export { routeCells, routeOf } from './probe/service/routes.ts'
export type { ServiceBuild, ServiceHandler, ServiceParts } from './probe/service/service-build.ts'
export { anyRowOf, defineOperationsProbe, operated, operationCells, performed } from './probe/operations/define.ts'
export { closedTable, openTables, type Migrating, type OpenTable } from './probe/operations/open-tables.ts'
export { tryMigration } from './probe/operations/try-migration.ts'
export type { Operations, OperationsBuild } from './probe/operations/operations.ts'
export { backupPaths, ownRowsComeBack, tryBackup, type BackupPath } from './probe/operations/try-backup.ts'
export { doorsOf, healthyPlatform, tryDoor } from './probe/operations/open-doors.ts'
export { anyText, obeyed, slips, tryVariable, variables } from './probe/operations/nonsense.ts'
export { ownCustomers, readRestored } from './probe/operations/restored-platform.ts'
