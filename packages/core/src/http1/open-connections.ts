import type { ConnectionState } from '../events/types.js'
import { List } from '../node/linked-list.js'
import { atOnce } from '../node/parser.js'
import type { Connection } from './connection.js'

/** The open connections of one server. It only counts and lists them. */
export class OpenConnections {
  /**
   * Connections that have been idle, in the order of the last period in which they went idle. A connection that is busy meanwhile keeps its place
   * until idle-timeout.ts looks: moving it for each request would cost more.
   */
  readonly rested = new List<Connection>()
  /** All others, in the order in which they were opened or left the list above. */
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

  /** A connection has gone idle, after all others. */
  rest(connection: Connection): void {
    if (!this.delete(connection)) return
    connection.rested = true
    this.rested.add(connection)
  }

  /** Moves a connection to the other list, until it goes idle again. */
  setAside(connection: Connection): void {
    if (!this.delete(connection)) return
    connection.rested = false
    this.#others.add(connection)
  }

  /** The connection that is being visited may change its phase, or be deleted, during the walk. */
  *[Symbol.iterator](): IterableIterator<Connection> {
    yield* this.#others
    yield* this.rested
  }

  /** Adds the number of connections in each state to `into`. It walks over all of them: counters would cost every request. */
  countInto(into: Record<ConnectionState, number>): void {
    atOnce(() => {
      for (const connection of this) into[connection.state]++
    })
  }
}
