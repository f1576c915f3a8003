/** The steps of a sequence: each a fast-check command over open requests on one small pool. */

import fc from 'fast-check'
import type { RequestRun, RunScene } from './request-run.ts'

export interface RequestModel {
  /** Open requests: slot and tenant. */
  readonly open: Map<number, string>
  readonly slots: number
}

type RequestCommand = fc.AsyncCommand<RequestModel, RequestRun, false>

interface Step {
  readonly name: string
  readonly possible: (model: RequestModel) => boolean
  readonly execute: (run: RequestRun, model: RequestModel) => Promise<void>
}

/** Slot of a request that one step begins and ends. */
const wholeRequest = -1

/** What an application does with a connection, a forgotten code path included. */
export function anyCommand({ world, rig }: RunScene): readonly fc.Arbitrary<RequestCommand>[] {
  const slot = fc.nat({ max: rig.slots - 1 })
  const tenant = fc.constantFrom(...world.tenants.map((each) => each.id))
  const onOpen = (name: string, execute: (run: RequestRun, slot: number) => Promise<void>) =>
    slot.map((number) => command({
      name: `${name}(${number})`, possible: (model) => model.open.has(number),
      execute: (run) => execute(run, number),
    }))
  const ending = (name: string, error?: Error) => slot.map((number) => command({
    name: `${name}(${number})`, possible: (model) => model.open.has(number),
    execute: async (run, model) => {
      model.open.delete(number)
      await run.close(number, error)
    },
  }))
  const enter = fc.tuple(slot, tenant).map(([number, id]) => command({
    name: `Enter(${number}, ${JSON.stringify(id)})`, possible: (model) => !model.open.has(number),
    execute: async (run, model) => {
      model.open.set(number, id)
      await run.open(number, id)
      await run.look(number)
    },
  }))
  const handle = tenant.map((id) => command({
    name: `Handle(${JSON.stringify(id)})`, possible: (model) => model.open.size < model.slots,
    execute: async (run) => {
      await run.open(wholeRequest, id)
      await run.look(wholeRequest)
      await run.close(wholeRequest)
    },
  }))
  const query = onOpen('Query', (run, number) => run.look(number))
  // Whole requests come more often: without them a sequence shows nothing about sharing.
  return [
    handle, handle, handle, enter, enter, query, query,
    fc.constant(command({
      name: 'QueryWithoutTenant', possible: (model) => model.open.size < model.slots,
      execute: (run) => run.lookWithoutTenant(),
    })),
    ...spoiledRequests(tenant),
    ending('Release'),
    ending('Throw', new Error('thrown by the work')),
    onOpen('SqlError', (run, number) => run.disturb(number, 'SELECT 1/0')),
    onOpen('Rollback', (run, number) => run.disturb(number, 'ROLLBACK')),
    onOpen('Savepoint', (run, number) => run.disturb(number, 'SAVEPOINT step')),
    onOpen('RollbackToSavepoint', (run, number) => run.disturb(number, 'ROLLBACK TO SAVEPOINT step')),
    onOpen('Commit', (run, number) => run.disturb(number, 'COMMIT')),
  ]
}

function command(step: Step): RequestCommand {
  return {
    check: (model) => step.possible(model),
    run: (model, run) => step.execute(run, model),
    toString: () => step.name,
  }
}

/** Requests that go wrong as a whole, and looks at what they leave: what matters is what the next one finds. */
function spoiledRequests(tenant: fc.Arbitrary<string>): readonly fc.Arbitrary<RequestCommand>[] {
  const whole = (name: string, spoil: (run: RequestRun) => Promise<void>, error?: Error) => tenant.map((id) => command({
    name: `${name}(${JSON.stringify(id)})`, possible: (model) => model.open.size < model.slots,
    execute: async (run) => {
      await run.open(wholeRequest, id)
      await run.look(wholeRequest)
      await spoil(run)
      await run.close(wholeRequest, error)
    },
  }))
  const sql = (...statements: readonly string[]) => async (run: RequestRun) => {
    for (const statement of statements) await run.disturb(wholeRequest, statement)
  }
  const thrown = new Error('thrown by the work')
  return [
    whole('HandleAndThrow', async () => undefined, thrown),
    whole('HandleSqlError', sql('SELECT 1/0'), thrown),
    whole('HandleSqlErrorQuietly', sql('SELECT 1/0')),
    whole('HandleCancelled', (run) => run.cancel(wholeRequest), thrown),
    whole('HandleTimeout', sql(`SET LOCAL statement_timeout = '15ms'`, 'SELECT pg_sleep(1)'), thrown),
    whole('HandleEarlyCommit', sql('COMMIT')),
    whole('HandleRollback', sql('ROLLBACK'), thrown),
    fc.constant(command({
      name: 'LookForLeftovers', possible: (model) => model.open.size < model.slots,
      execute: (run) => run.lookForLeftovers(),
    })),
    fc.constant(command({
      name: 'LoseConnections', possible: (model) => model.open.size === 0,
      execute: (run) => run.loseConnections(),
    })),
  ]
}
