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
  readonly #waiting = new Map<string, Ticket[]>()
  #total = 0

  constructor(limits: AdmissionLimits) {
    this.#limits = limits
  }

  get busy(): number { return this.#total }
  get waiting(): number { return [...this.#waiting.values()].reduce((sum, { length }) => sum + length, 0) }

  /** Calls `admit` when it is this request's turn, at once if there is room; the answer takes it out of the queue. */
  enter(tenant: string, admit: () => void): () => boolean {
    const ticket: Ticket = { tenant, admit }
    this.#waiting.set(tenant, [...this.#waiting.get(tenant) ?? [], ticket])
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
    return new Map([...names].map((tenant) => [tenant, {
      busy: this.#busy.get(tenant) ?? 0, waiting: this.#waiting.get(tenant)?.length ?? 0,
    }]))
  }

  #next(): void {
    while (this.#total < this.#limits.total) {
      const free = [...this.#waiting].filter(([tenant]) => !this.isTenantFull(tenant))
      // The one with the fewest loans; among equals the one whose turn was longest ago.
      const [turn] = free.toSorted(([a], [b]) => (this.#busy.get(a) ?? 0) - (this.#busy.get(b) ?? 0))
      if (turn === undefined) return
      const [tenant, [ticket, ...others]] = turn
      // Back of the row: the others have their turn before it comes again.
      this.#waiting.delete(tenant)
      if (others.length > 0) this.#waiting.set(tenant, others)
      if (ticket === undefined) continue
      this.#total += 1
      this.#busy.set(tenant, (this.#busy.get(tenant) ?? 0) + 1)
      ticket.admit()
    }
  }

  #withdraw(ticket: Ticket): boolean {
    const queue = this.#waiting.get(ticket.tenant) ?? []
    const others = queue.filter((each) => each !== ticket)
    if (others.length > 0) this.#waiting.set(ticket.tenant, others)
    else this.#waiting.delete(ticket.tenant)
    return others.length < queue.length
  }
}
