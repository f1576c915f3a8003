/** What stands beside a world's database: the HTTP service and the operator's copies, each started when first asked. */

import { Renewable } from '../postgres/session/renewable.ts'
import { OperationsRig, type OperationsSite } from './operations/operations-rig.ts'
import { ServiceRig, type ServiceSite } from './service/service-rig.ts'
import type { World } from '../world/world.ts'

export interface WorldSites {
  /** Where the HTTP service may be attacked; absent where it is not asked about. */
  readonly service?: ServiceSite
  /** Copies of both databases for the operator's operations; absent where they are not asked about. */
  readonly operations?: OperationsSite
}

export class WorldRigs implements AsyncDisposable {
  readonly #service: Renewable<ServiceRig>
  readonly #operations: Renewable<OperationsRig>

  constructor(world: World, { service, operations }: WorldSites) {
    this.#service = new Renewable(() => {
      if (service === undefined) throw new Error('no service was started for this world')
      return ServiceRig.open(world, service)
    })
    this.#operations = new Renewable(() => {
      if (operations === undefined) throw new Error('no databases were copied for this world')
      return OperationsRig.open(world, operations)
    })
  }

  service(): Promise<ServiceRig> {
    return this.#service.get()
  }
  operations(): Promise<OperationsRig> {
    return this.#operations.get()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#service[Symbol.asyncDispose]()
    await this.#operations[Symbol.asyncDispose]()
  }
}
