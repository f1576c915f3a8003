/** What a search is handed beside its settings: the engine carries it and does not know what it is. */

/** Names a tool and its type. */
export class ToolKey<T> {
  readonly name: string
  /** The type alone; nothing is ever stored here. */
  declare readonly holds: T

  constructor(name: string) {
    this.name = name
  }
}

export class ToolBox {
  readonly #tools: ReadonlyMap<unknown, unknown>

  constructor(tools: ReadonlyMap<unknown, unknown> = new Map()) {
    this.#tools = tools
  }

  /** This box with one tool more, or another one of its name. */
  with<T>(key: ToolKey<T>, tool: T): ToolBox {
    return new ToolBox(new Map([...this.#tools, [key, tool]]))
  }

  get<T>(key: ToolKey<T>): T | undefined {
    return this.#tools.get(key) as T | undefined
  }
}
