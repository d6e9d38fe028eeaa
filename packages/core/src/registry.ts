import type { Connection } from './connection.js'
import { List } from './list.js'
import type { ConnectionState } from './types.js'

/** The open connections of one server, the idle ones apart from the others: counts and walks, nothing else. */
export class Registry {
  /** Longest idle first. */
  readonly idle = new List<Connection>()
  /** In the order in which they came, or last ceased to be idle. */
  readonly #others = new List<Connection>()

  get size(): number {
    return this.#others.size + this.idle.size
  }

  add(connection: Connection): void {
    this.#listOf(connection).add(connection)
  }

  /** Whether it was a member. */
  delete(connection: Connection): boolean {
    return this.#listOf(connection).delete(connection)
  }

  /** The one place where a connection's phase changes. */
  turn(connection: Connection, phase: ConnectionState): void {
    const before = this.#listOf(connection)
    connection.phase = phase
    const now = this.#listOf(connection)
    if (now !== before && before.delete(connection)) now.add(connection)
  }

  #listOf({ phase }: Connection): List<Connection> {
    return phase === 'idle' ? this.idle : this.#others
  }

  /** Whoever is visited may turn to another phase, or be deleted, meanwhile. */
  *[Symbol.iterator](): IterableIterator<Connection> {
    yield* this.#others
    yield* this.idle
  }

  /** Adds to `into` how many connections there are by state. A walk: counters would cost every request. */
  countInto(into: Record<ConnectionState, number>): void {
    for (const connection of this) into[connection.state]++
  }
}
