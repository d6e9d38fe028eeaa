import type { ConnectionState } from '../events/types.js'
import { List } from '../node/linked-list.js'
import { atOnce } from '../node/parser.js'
import type { Connection } from './connection.js'

/** The open connections of one server: counts and walks, nothing else. */
export class OpenConnections {
  /**
   * Those that have been idle: longest ago first, where it is the last time that counts. Whoever is busy meanwhile keeps its place until somebody
   * looks (idle-timeout.ts): to move each connection for each request costs more.
   */
  readonly rested = new List<Connection>()
  /** In the order in which they came, or ceased to be of those above. */
  readonly #others = new List<Connection>()

  get size(): number {
    return this.#others.size + this.rested.size
  }

  add(connection: Connection): void {
    this.#others.add(connection)
  }

  /** Whether it was a member. */
  delete(connection: Connection): boolean {
    return (connection.rested ? this.rested : this.#others).delete(connection)
  }

  /** The one place where a connection's phase changes. */
  turn(connection: Connection, phase: ConnectionState): void {
    connection.phase = phase
    if (connection.rested && phase !== 'idle' && phase !== 'busy') this.setAside(connection)
  }

  /** It has gone idle, after all others. */
  rest(connection: Connection): void {
    if (!this.delete(connection)) return
    connection.rested = true
    this.rested.add(connection)
  }

  /** Until it goes idle again, if it ever does. */
  setAside(connection: Connection): void {
    if (!this.delete(connection)) return
    connection.rested = false
    this.#others.add(connection)
  }

  /** Whoever is visited may turn to another phase, or be deleted, meanwhile. */
  *[Symbol.iterator](): IterableIterator<Connection> {
    yield* this.#others
    yield* this.rested
  }

  /** Adds to `into` how many connections there are by state. A walk: counters would cost every request. */
  countInto(into: Record<ConnectionState, number>): void {
    atOnce(() => {
      for (const connection of this) into[connection.state]++
    })
  }
}
