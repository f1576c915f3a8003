/**
 * Who may have a connection next. Pure bookkeeping: every tenant has its share at most, and tenants take turns, so
 * that one with a thousand waiting requests delays another by one turn.
 */

export interface AdmissionLimits {
  /** Loans at the same time, of all tenants together. */
  readonly total: number
  /** Loans of one tenant at the same time. */
  readonly perTenant: number
}

export interface TenantUse {
  readonly busy: number
  readonly waiting: number
}

interface Ticket {
  readonly tenant: string
  readonly admit: () => void
}

export class Admission {
  readonly #limits: AdmissionLimits
  readonly #busy = new Map<string, number>()
  /** In the order in which tenants have their turn. */
  readonly #waiting = new Map<string, Set<Ticket>>()
  #count = 0
  #total = 0

  constructor(limits: AdmissionLimits) {
    this.#limits = limits
  }

  get busy(): number {
    return this.#total
  }
  get waiting(): number {
    return this.#count
  }

  /** Calls `admit` when it is this request's turn, at once if there is room; the answer takes it out of the queue. */
  enter(tenant: string, admit: () => void): () => boolean {
    const ticket: Ticket = { tenant, admit }
    const queue = this.#waiting.get(tenant) ?? new Set()
    this.#waiting.set(tenant, queue.add(ticket))
    this.#count += 1
    this.#next()
    return () => this.#withdraw(ticket)
  }

  /** Gives a loan back. */
  leave(tenant: string): void {
    this.#total -= 1
    const left = (this.#busy.get(tenant) ?? 1) - 1
    if (left === 0) this.#busy.delete(tenant)
    else this.#busy.set(tenant, left)
    this.#next()
  }

  isTenantFull(tenant: string): boolean {
    return (this.#busy.get(tenant) ?? 0) >= this.#limits.perTenant
  }

  /** Of every tenant that has or waits for a connection. */
  tenants(): ReadonlyMap<string, TenantUse> {
    const names = new Set([...this.#busy.keys(), ...this.#waiting.keys()])
    return new Map(
      [...names].map((tenant) => [
        tenant,
        { busy: this.#busy.get(tenant) ?? 0, waiting: this.#waiting.get(tenant)?.size ?? 0 },
      ]),
    )
  }

  #next(): void {
    while (this.#total < this.#limits.total) {
      const tenant = this.#turn()
      if (tenant === null) return
      const queue = this.#waiting.get(tenant) ?? new Set()
      const [ticket] = queue
      if (ticket === undefined) return
      this.#withdraw(ticket)
      // Back of the row: the others have their turn before it comes again.
      if (this.#waiting.delete(tenant)) this.#waiting.set(tenant, queue)
      this.#total += 1
      this.#busy.set(tenant, (this.#busy.get(tenant) ?? 0) + 1)
      ticket.admit()
    }
  }

  /** The one with the fewest loans; among equals the one whose turn was longest ago. */
  #turn(): string | null {
    let turn: string | null = null
    let fewest = this.#limits.perTenant
    for (const tenant of this.#waiting.keys()) {
      const busy = this.#busy.get(tenant) ?? 0
      if (busy >= fewest) continue
      turn = tenant
      fewest = busy
      if (busy === 0) break
    }
    return turn
  }

  #withdraw(ticket: Ticket): boolean {
    const queue = this.#waiting.get(ticket.tenant)
    if (queue?.delete(ticket) !== true) return false
    this.#count -= 1
    if (queue.size === 0) this.#waiting.delete(ticket.tenant)
    return true
  }
}
