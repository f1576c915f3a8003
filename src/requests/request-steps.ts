/** The steps of a sequence by name: what each does to a run, and when it is possible. */

import type fc from 'fast-check'
import type { TenantId } from '../model/tenant.ts'
import type { LeftoverKind } from './leftovers.ts'
import * as leftovers from './leftover-acts.ts'
import * as acts from './request-acts.ts'
import type { RequestRun } from './request-run.ts'
import { serveTroubled, type RaisedTrouble } from './trouble-acts.ts'

export interface RequestModel {
  /** Open requests: slot and tenant. */
  readonly open: Map<number, TenantId>
  readonly slots: number
}

export type RequestCommand = fc.AsyncCommand<RequestModel, RequestRun, false>

/** Slots of requests that one step begins and ends. */
const wholeRequest = -1
const elsewhere = -2

const hasRoom = (model: RequestModel) => model.open.size < model.slots

/** Begins a request and leaves it open; nothing is asked yet. */
const enter = (slot: number, tenant: TenantId) =>
  command({
    name: `Enter(${slot}, ${JSON.stringify(tenant)})`,
    possible: (model) => !model.open.has(slot),
    execute: async (run, model) => {
      model.open.set(slot, tenant)
      await run.open(slot, tenant)
    },
  })

/** A whole request: begin, look, look for leftovers, end. `pool` 1 is a second pool of the process. */
const handle = (tenant: TenantId, pool: 0 | 1 = 0) =>
  command({
    name: `Handle${pool === 0 ? '' : 'Elsewhere'}(${JSON.stringify(tenant)})`,
    possible: (model) => pool === 1 || hasRoom(model),
    execute: async (run) => {
      const slot = pool === 0 ? wholeRequest : elsewhere
      await run.open(slot, tenant, pool)
      await run.look(slot)
      await leftovers.rummage(run, slot)
      await leftovers.lookEverywhere(run, slot)
      await run.close(slot)
    },
  })

/** A whole request that goes wrong: what matters is what the next one finds. */
const spoil = (trouble: Trouble, tenant: TenantId) =>
  command({
    name: `Handle${trouble}(${JSON.stringify(tenant)})`,
    possible: hasRoom,
    execute: async (run) => {
      await run.open(wholeRequest, tenant)
      await run.look(wholeRequest)
      const { by, quietly } = troubles[trouble]
      if (by !== null) await onSlot[by](run, wholeRequest)
      await run.close(wholeRequest, quietly ? undefined : new Error('thrown by the work'))
    },
  })

/** A whole request that meets what applications retry on, in its work or around it. */
const meetTrouble = (tenant: TenantId, trouble: RaisedTrouble) =>
  command({
    name: `Meet(${trouble.code}, ${trouble.place} ${trouble.number}, ${JSON.stringify(tenant)})`,
    possible: (model) => model.open.size === 0,
    execute: (run) => serveTroubled(run, tenant, trouble),
  })

/** An operator ends the idle connections; behind pgbouncer they are not the pool's. */
const loseConnections = command({
  name: 'LoseConnections',
  possible: (model) => model.open.size === 0,
  execute: (run) => acts.loseConnections(run),
})

/** A whole request whose work leaves something on the connection. */
const leaveBehind = (kind: LeftoverKind, tenant: TenantId) =>
  command({
    name: `Leave(${JSON.stringify(kind)}, ${JSON.stringify(tenant)})`,
    possible: hasRoom,
    execute: async (run) => {
      await run.open(wholeRequest, tenant)
      await leftovers.leave(run, wholeRequest, kind)
      await run.close(wholeRequest)
    },
  })

const nest = (slot: number, tenant: TenantId) =>
  command({
    name: `Nest(${slot}, ${JSON.stringify(tenant)})`,
    possible: (model) => model.open.has(slot) && hasRoom(model),
    execute: (run) => acts.nest(run, slot, tenant),
  })

const queryWithoutTenant = command({
  name: 'QueryWithoutTenant',
  possible: hasRoom,
  execute: (run) => leftovers.lookWithoutTenant(run),
})

/** Only while no request is open: on a connection lent anew, what a late query sees is the work's own fault. */
const queryLate = command({
  name: 'QueryLate',
  possible: (model) => model.open.size === 0,
  execute: (run) => leftovers.lookLate(run),
})

const release = (slot: number) => ending('Release', slot)
const throwError = (slot: number) => ending('Throw', slot, new Error('thrown by the work'))

const onSlot = {
  Query: (run, slot) => run.look(slot),
  QueryPrepared: acts.lookPrepared,
  QueryNamed: acts.lookNamed,
  Rummage: leftovers.rummage,
  Recover: acts.recover,
  Cancel: acts.cancel,
  Cut: acts.cut,
  DeclareCursor: (run, slot) => leftovers.leave(run, slot, 'open cursor'),
  SqlError: disturbance('SELECT 1/0'),
  Timeout: disturbance("SET statement_timeout = '5ms'; SELECT pg_sleep(4)"),
  Begin: disturbance('BEGIN'),
  Commit: disturbance('COMMIT'),
  Rollback: disturbance('ROLLBACK'),
  Savepoint: disturbance('SAVEPOINT step'),
  RollbackToSavepoint: disturbance('ROLLBACK TO SAVEPOINT step'),
  ResetRole: disturbance('RESET ROLE'),
  SetRoleNone: disturbance('SET ROLE none'),
  ResetAll: disturbance('RESET ALL'),
  DiscardAll: disturbance('DISCARD ALL'),
} as const satisfies Record<string, (run: RequestRun, slot: number) => Promise<unknown>>

export type SlotStep = keyof typeof onSlot
export const slotSteps = Object.keys(onSlot) as readonly SlotStep[]

/** By which step a whole request goes wrong, and whether its work keeps that to itself. */
const troubles = {
  AndThrow: { by: null, quietly: false },
  SqlError: { by: 'SqlError', quietly: false },
  SqlErrorQuietly: { by: 'SqlError', quietly: true },
  Cancelled: { by: 'Cancel', quietly: false },
  Timeout: { by: 'Timeout', quietly: false },
  EarlyCommit: { by: 'Commit', quietly: true },
  Rollback: { by: 'Rollback', quietly: false },
} as const satisfies Record<string, { readonly by: SlotStep | null; readonly quietly: boolean }>

export type Trouble = keyof typeof troubles
export const troublesOfRequests = Object.keys(troubles) as readonly Trouble[]

/** A step of an open request. */
const step = (name: SlotStep, slot: number) =>
  command({
    name: `${name}(${slot})`,
    possible: (model) => model.open.has(slot),
    execute: async (run) => {
      await onSlot[name](run, slot)
    },
  })

export const requestSteps = {
  enter,
  handle,
  spoil,
  leaveBehind,
  loseConnections,
  meetTrouble,
  nest,
  queryWithoutTenant,
  queryLate,
  release,
  throwError,
  step,
}

function disturbance(sql: string) {
  return (run: RequestRun, slot: number) => run.disturb(slot, sql)
}

function ending(name: string, slot: number, error?: Error): RequestCommand {
  return command({
    name: `${name}(${slot})`,
    possible: (model) => model.open.has(slot),
    execute: async (run, model) => {
      model.open.delete(slot)
      await run.close(slot, error)
    },
  })
}

interface StepDefinition {
  readonly name: string
  readonly possible: (model: RequestModel) => boolean
  readonly execute: (run: RequestRun, model: RequestModel) => Promise<void>
}

function command({ name, possible, execute }: StepDefinition): RequestCommand {
  return {
    check: possible,
    run: (model, run) => {
      run.steps.push(name)
      return execute(run, model)
    },
    toString: () => name,
  }
}
