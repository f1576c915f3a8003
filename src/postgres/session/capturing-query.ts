/**
 * A driver query that keeps what the driver throws away: the rows of COPY TO STDOUT, and that feeds
 * COPY FROM STDIN from a text, so that COPY is an attack form like any other.
 */

import pg from 'pg'
import type { Row, Statement } from '../../model/observation.ts'

export interface QueryAnswer {
  readonly rows: readonly Row[]
  /** Rows of the command tag, null for commands that count nothing. */
  readonly affected: number | null
}

type Done = (error: Error | null, answer: QueryAnswer | null) => void

interface CopyConnection {
  sendCopyFromChunk(chunk: Buffer): void
  endCopyFrom(): void
  sendCopyFail(reason: string): void
}

export class CapturingQuery extends pg.Query<Row> {
  readonly #copied: string[] = []
  readonly #copyData: string | undefined

  constructor(statement: Statement, done: Done) {
    super({ text: statement.sql })
    this.#copyData = statement.copyData
    const settle = (
      error: Error | null,
      result: pg.QueryResult<Row> | pg.QueryResult<Row>[] | undefined,
    ) => {
      if (error) done(error, null)
      else done(null, this.#answer(result))
    }
    Object.assign(this, { callback: settle })
  }

  /** Called by the driver for each row of COPY TO STDOUT. */
  handleCopyData(message: { readonly chunk: Buffer }): void {
    this.#copied.push(message.chunk.toString('utf8').replace(/\n$/, ''))
  }

  /** Called by the driver when the server waits for COPY data. */
  handleCopyInResponse(connection: CopyConnection): void {
    if (this.#copyData === undefined) {
      connection.sendCopyFail('no data was given')
      return
    }
    connection.sendCopyFromChunk(Buffer.from(this.#copyData, 'utf8'))
    connection.endCopyFrom()
  }

  #answer(result: pg.QueryResult<Row> | pg.QueryResult<Row>[] | undefined): QueryAnswer {
    const last = Array.isArray(result) ? result.at(-1) : result
    const rows = this.#copied.length > 0 ? this.#copied.map((line) => ({ copy: line })) : last?.rows
    return { rows: rows ?? [], affected: last?.rowCount ?? null }
  }
}
