/** Rows that say when they were committed: the distance between the last one and the last recovered is the RPO. */

import { services, type Service } from '../../model/tenancy.ts'
import type { Session } from '../../postgres/session/session.ts'

export interface LastHeartbeats {
  /** Number and time (ms since 1970, server clock) of the last heartbeat of each database; 0 when there is none. */
  readonly last: Readonly<Record<Service, { readonly number: number; readonly atMs: number }>>
}

export async function createHeartbeatTable(session: Session): Promise<void> {
  await session.query(`CREATE SCHEMA dotmac_recovery;
    REVOKE ALL ON SCHEMA dotmac_recovery FROM PUBLIC;
    CREATE TABLE dotmac_recovery.heartbeat (number bigint PRIMARY KEY, at timestamptz NOT NULL)`)
}

export async function dropHeartbeatTable(session: Session): Promise<void> {
  await session.query('DROP SCHEMA IF EXISTS dotmac_recovery CASCADE')
}

/** Commits one heartbeat in each database, management first, until it is stopped. */
export class HeartbeatWriter {
  readonly #sessions: Readonly<Record<Service, Session>>
  #number = 0
  #running: Promise<void> | null = null
  #stop = false

  constructor(sessions: Readonly<Record<Service, Session>>) {
    this.#sessions = sessions
  }

  start(): void {
    this.#stop = false
    this.#running = this.#write()
  }

  /** Resolves when the heartbeat in the making is committed in both databases. */
  async stop(): Promise<void> {
    this.#stop = true
    await this.#running
  }

  async #write(): Promise<void> {
    while (!this.#stop) {
      this.#number += 1
      for (const service of services) {
        await this.#sessions[service].query(
          `INSERT INTO dotmac_recovery.heartbeat VALUES (${this.#number}, clock_timestamp())`,
        )
      }
      await new Promise((resolve) => {
        setTimeout(resolve, 10)
      })
    }
  }
}

export async function lastHeartbeats(
  sessions: Readonly<Record<Service, Session>>,
): Promise<LastHeartbeats> {
  const one = async (service: Service) => {
    const [row] = await sessions[service].query(`SELECT coalesce(max(number), 0) AS number,
      coalesce(extract(epoch FROM max(at)) * 1000, 0) AS at FROM dotmac_recovery.heartbeat`)
    return { number: Number(row?.['number']), atMs: Number(row?.['at']) }
  }
  return { last: { management: await one('management'), isp: await one('isp') } }
}

/** Seconds of committed work that recovery did not bring back: the worse of the two databases. */
export function secondsLost(before: LastHeartbeats, after: LastHeartbeats): number {
  const lost = services.map((service) => before.last[service].atMs - after.last[service].atMs)
  return Math.max(0, ...lost) / 1000
}
