import type { Connection } from './connection.js'
import { List } from './list.js'
import type { ConnectionState } from './types.js'

/** The open connections of one server, oldest first: counts and walks, nothing else. */
export class Registry extends List<Connection> {
  /** Adds to `into` how many connections there are by state. A walk: counters would cost every request. */
  countInto(into: Record<ConnectionState, number>): void {
    for (const connection of this) into[connection.state]++
  }
}
