/** Lets a borrowed client of any driver pool send statements without waiting for the answers before. */

/** What a client of the driver has that can pipeline (8.23): the flag is read at every statement. */
interface PipeliningClient {
  pipeline: boolean
  /** Sent and not answered. */
  readonly _sentQueryQueue: readonly unknown[]
}

export interface Pipelining {
  readonly isOn: boolean
  /** Puts the client back as it was lent; false when it cannot be, because an answer is still to come. */
  end(): boolean
}

/**
 * The flag may be raised at any time: statements that are queued are sent, in their order. It may be lowered only when
 * all are answered, because without it the driver forgets what it has sent. The tests of withTenant count
 * round trips over a plain pool and so notice a driver that changes this; other clients are left as they are.
 */
export function pipelined(client: object): Pipelining {
  if (isPipelined(client)) return { isOn: true, end: () => true }
  if (!canPipeline(client)) return { isOn: false, end: () => true }
  client.pipeline = true
  return {
    isOn: true,
    end: () => {
      if (client._sentQueryQueue.length > 0) return false
      client.pipeline = false
      return true
    },
  }
}

function isPipelined(client: Partial<PipeliningClient>): boolean {
  return client.pipeline === true
}

/** What wraps a client has a flag at most, and the one of the client inside would stay. */
function canPipeline(client: Partial<PipeliningClient>): client is PipeliningClient {
  return client.pipeline === false && Array.isArray(client._sentQueryQueue)
}
