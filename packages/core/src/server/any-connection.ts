import type { Connection } from '../http1/connection.js'
import type { Session } from '../http2/session.js'

/** A client's connection: one of HTTP/1, or a session of HTTP/2. */
export type AnyConnection = Connection | Session

/** The connections and the sessions of a server. */
export function* allConnections(connections: Iterable<Connection>, sessions: Iterable<Session>): Iterable<AnyConnection> {
  yield* connections
  yield* sessions
}
