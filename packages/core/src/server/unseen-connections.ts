import { ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Events } from '../events/events.js'
import type { Stats } from '../events/types.js'
import { connectionOf } from '../http1/connection-of.js'
import type { AttachableServer } from '../node/attachable-server.js'
import { parsedSockets } from '../node/parser.js'
import { openResponse } from '../node/response-fields.js'
import { acceptedBy } from '../node/server-fields.js'
import { isHttp2 } from '../node/server-kinds.js'
import type { Timer } from '../node/timers.js'
import type { GovernedServer } from './governed-server.js'

// Connections that no policy governs: HTTP/2 sessions that were open before attach(), and streams other than sockets that the application has handed
// to the server as connections. Node serves them as it would without halfclose.

/** How many of them are open. */
export function unseenOf(governed: GovernedServer): number {
  const { server, connections, sessions, handshakes } = governed
  if (!isHttp2(server)) return streamsOf(governed).length
  return governed.listener.hasListened && !governed.listener.hasInjectedConnections
    ? Math.max(0, acceptedBy(server) - connections.size - sessions.size - handshakes.size)
    : 0
}

/** How many of their requests are being answered. For an HTTP/2 session the number is not known, and counts as one. */
export function unseenRequestsOf(governed: GovernedServer): number {
  return isHttp2(governed.server) ? unseenOf(governed) : streamsOf(governed).filter(isAnswered).length
}

function streamsOf({ server }: GovernedServer): Duplex[] {
  return parsedSockets(server).filter(
    (stream): stream is Duplex => isDuplex(stream) && !stream.destroyed && connectionOf(stream) === undefined,
  )
}

function isAnswered(stream: Duplex): boolean {
  return openResponse(stream) instanceof ServerResponse
}

function isDuplex(value: unknown): value is Duplex {
  return typeof value === 'object' && value !== null && 'writable' in value && 'readable' in value
}

/**
 * Bounds a client that has sent FIN, on a connection that is no socket: halfclose has let the server's clients end first, so it has to bound them
 * here as well.
 */
export function boundHalfClosed({ policy: { halfClosed }, timers }: GovernedServer, stream: Duplex): void {
  if (stream instanceof Socket || halfClosed === 0) return
  let timer: Timer | undefined
  stream.once('end', () => {
    if (!stream.destroyed) timer = timers.after(halfClosed, () => stream.destroy())
  })
  stream.once('close', () => timer?.stop())
}

/** Warns of a server's connections from before attach() that no policy governs. `seen`: the counts of all others. */
export function warnOfUnseen(server: AttachableServer, events: Events, seen: () => Stats['connections']): void {
  if (!server.listening) return
  server.getConnections((error, open) => {
    const { opened, closed } = seen()
    const unseen = open - (opened - closed)
    if (error !== null || unseen <= 0) return
    const message = `halfclose: attached to a server with ${unseen} open connections that it cannot see; attach before listen()`
    events.warn({ code: 'HALFCLOSE_UNSEEN_CONNECTIONS', message })
  })
}
