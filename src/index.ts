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
export type {
  Attempt,
  Observation,
  Row,
  Statement,
  Step,
  Value,
  Witness,
} from './model/observation.ts'
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
export { identifier, literal, qualified } from './sql/identifier.ts'
export type { MissingContext } from './model/context.ts'

export {
  defineProbe,
  type Cell,
  type Probe,
  type ProbeDefinition,
  type Scene,
  type SearchSettings,
} from './probe/define.ts'
export { defineTimingProbe } from './attack/answer-times.ts'
export { defineCatalogProbe, type Inspection } from './probe/catalog-probe.ts'
export { definePoolMatrix } from './requests/pool-matrix/define.ts'
export { defineServerProbe } from './attack/rehearsals/server-probe.ts'
export { defineContextProbe } from './requests/context-probe.ts'
export {
  anyAttack,
  anyPair,
  anyPairOfOwners,
  anyTenantId,
  everyAttacker,
  everyOwner,
  turnedFor,
  type Pair,
} from './attack/shared-inputs.ts'
export { cellsOf, controlOn, deferred, objectOf } from './attack/cells.ts'
export { answerOf, answersDiffer, isDenial } from './attack/differential.ts'
export { nobodysValue } from './attack/values/nobodys-value.ts'
export {
  attackId,
  attackText,
  copyLike,
  insertLike,
  keyCondition,
  sharingColumns,
  writableColumn,
} from './attack/statements.ts'
export {
  isNobodys,
  may,
  objectsOfKind,
  ownedTables,
  targetOf,
  type Target,
} from './world/targets.ts'
export { affectedBy, attackRows, count, foreignRows, rowsOf, stepOf } from './attack/witness.ts'
export { wroteForeignRows, wroteTooMuch } from './attack/write-witness.ts'
export { World } from './world/world.ts'
export type { WorldObject } from './model/world.ts'

export { defineGauge, type Gauge, type GaugeContext, type GaugeResult } from './gauge/define.ts'
export { checkIndexUse } from './reference/speed/index-use.ts'
export { measureOverhead } from './reference/speed/overhead.ts'

export { anyReading, firstOwners, firstReadings, type GrammarInput } from './attack/forms/inputs.ts'
export { nested } from './attack/forms/nesting.ts'
export {
  countsTooMany,
  foreignContent,
  foreignEcho,
  hasValue,
  rowsOfForeignRelation,
} from './attack/forms/oracle.ts'
export { ownActForms, ownActs, type OwnActForm } from './attack/forms/own-acts.ts'
export { plannerSettings } from './attack/forms/planner.ts'
export { readForms, type ReadForm } from './attack/forms/read-forms.ts'
export { readRequest, type ReadRequest } from './attack/forms/request.ts'
export { writeForms, type WriteForm } from './attack/forms/write-forms.ts'
export { writeRequest, type WriteRequest } from './attack/forms/write-request.ts'
export {
  actAttempt,
  changedForeignRows,
  changesOf,
  readsAfterwards,
  writeAttempt,
} from './attack/write-probe.ts'
export { countAndHash, ownGroups, textSettings } from './world/row-groups.ts'
export { channels, type Channel } from './model/channel.ts'
export { inherent } from './probe/inherent.ts'
export { impersonated, rowsOfOthersRemoved, rowsOfTenantRemoved } from './world/impersonated.ts'
export { rowsOfTenantAdded } from './attack/rows-added.ts'
export { leftBehind, type Left } from './attack/left-behind.ts'
export { functionClauses, functionsOfRows } from './attack/forms/function-clauses.ts'
export {
  existenceAttacks,
  existenceForms,
  withoutForeignRow,
  type ExistenceForm,
} from './attack/forms/existence.ts'
export {
  callableFunctions,
  callFunction,
  callsApart,
  functionSignature,
} from './attack/function-calls.ts'
export { foreignFunctionContent } from './attack/function-answers.ts'
export { callsOf, functionCells, functionOf, ownCalls } from './attack/function-copies.ts'
export { anyCalls, callsChosen, firstCalls, type Calls } from './attack/function-inputs.ts'
export { changedByValues } from './attack/value-witness.ts'
export { ownWrites, reactsToWrites, valueWrites, writableObjects } from './attack/value-writes.ts'
export { defenceAttacks } from './attack/forms/defence-attacks.ts'
export { explainedRows } from './attack/forms/explained.ts'
export { channelAttacks } from './attack/forms/channel-attacks.ts'
export { readsWholeRows } from './attack/forms/predicates.ts'
export {
  exchangesOf,
  foreignAnswer,
  foreignToItsAsker,
  rowsIn,
} from './reference/service/answers.ts'
export { honestControl, sendAll } from './reference/service/define.ts'
export {
  anyServiceInput,
  firstServiceInputs,
  honestRequest,
  requestOf,
  type ServiceInput,
} from './reference/service/inputs.ts'
export { anyTwin, twinForms, twinsOf, twinsDiffer, type Twin } from './reference/service/twins.ts'
export {
  keyUsedTwice,
  oddForms,
  oddRequests,
  sameAtOnce,
} from './reference/service/odd-requests.ts'
export { forgeryKinds } from './reference/service/token-forge.ts'
export { routeCells, routeOf } from './reference/service/routes.ts'
export type {
  ServiceBuild,
  ServiceHandler,
  ServiceParts,
} from './reference/service/service-build.ts'
export {
  anyRowOf,
  defineOperationsProbe,
  operated,
  operationCells,
  performed,
} from './reference/operations/define.ts'
export {
  closedTable,
  openTables,
  type Migrating,
  type OpenTable,
} from './reference/operations/open-tables.ts'
export { tryMigration } from './reference/operations/try-migration.ts'
export type { Operations, OperationsBuild } from './reference/operations/operations.ts'
export {
  backupPaths,
  ownRowsComeBack,
  tryBackup,
  type BackupPath,
} from './reference/operations/try-backup.ts'
export { doorsOf, healthyPlatform, tryDoor } from './reference/operations/open-doors.ts'
export { anyText, obeyed, slips, tryVariable, variables } from './reference/operations/nonsense.ts'
export { ownCustomers, readRestored } from './reference/operations/restored-platform.ts'
export { operationsRig } from './reference/operations/operations-rig.ts'
