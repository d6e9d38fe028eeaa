import type { HeldBy } from '../events/types.js'
import { pathOf } from '../http/request-path.js'
import type { Connection } from '../http1/connection.js'
import type { Session } from '../http2/session.js'
import { remoteOf } from '../socket/remote-address.js'
import { type Look, sessionWaitsFor, streamWaitsFor, waitsFor } from './wait-reason.js'

/** A {@link HeldBy} that always says what it waits for. */
export interface Held extends HeldBy {
  readonly waitsFor: string
}

/** Describes a connection, for reports and for lists: its request, and what it waits for. The query is left out, since it may have secrets. */
export function describeConnection(connection: Connection, look: Look): Held {
  const { upgrade } = connection.rare
  const { owner, socket, state, current, lastUsed } = connection
  const request = current?.req ?? upgrade
  return {
    remote: remoteOf(socket, owner),
    state,
    method: request?.method,
    path: request && pathOf(request),
    // Both times are rounded, and may be a moment ahead.
    ms: Math.max(0, Math.round(look.now - (current?.arrived ?? lastUsed))),
    waitsFor: waitsFor(connection, look),
  }
}

/** Describes a session in the same way: each of its streams, or itself if it has none. */
export function describeSession(session: Session, look: Look): Held[] {
  const { owner, socket, state, streams, lastUsed } = session
  const remote = remoteOf(socket, owner)
  const { now } = look
  if (streams.size === 0) {
    const ms = Math.max(0, Math.round(now - lastUsed))
    return [{ remote, state, method: undefined, path: undefined, ms, waitsFor: sessionWaitsFor(session) }]
  }
  return [...streams].map(([stream, exchange]) => {
    const { method, path, arrived } = exchange
    const waits = streamWaitsFor(session, stream, exchange, look)
    return { remote, state, method, path: path?.split('?')[0], ms: Math.max(0, Math.round(now - arrived)), waitsFor: waits }
  })
}
