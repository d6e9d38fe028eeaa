import type { Connection } from './connection.js'
import type { ConnectionState } from './types.js'

/** The open connections of one server, oldest first: counts and walks, nothing else. */
export class Registry {
  readonly #open = new Set<Connection>()

  get size(): number {
    return this.#open.size
  }

  add(connection: Connection): void {
    this.#open.add(connection)
  }

  delete(connection: Connection): void {
    this.#open.delete(connection)
  }

  [Symbol.iterator](): IterableIterator<Connection> {
    return this.#open.values()
  }

  /** Adds to `into` how many connections there are by state. A walk: counters would cost every request. */
  countInto(into: Record<ConnectionState, number>): void {
    for (const connection of this.#open) into[connection.state]++
  }
}
