import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { attempt } from './attempt.js'
import { isBroken } from './broken.js'
import { directCaller } from './caller.js'
import { type Connection, kConnection, type SocketCarrier } from './connection.js'
import { endsWithConnection } from './exchange.js'
import { canReset } from './node-private.js'
import { destroyBy } from './own-methods.js'
import { resumeReading } from './reading.js'
import type { CloseReason } from './types.js'

/**
 * Ends a connection output first: what was written is sent, then (TLS: close_notify and) FIN, then the rest of the input is read
 * and thrown away within the bounds of `linger`. Nothing is handed to the application any more. `quiet`: the silence granted, at most
 * `linger.quiet`.
 */
export function shut(connection: Connection, reason: CloseReason, quiet = Number.POSITIVE_INFINITY): void {
  const { socket, phase, site, current, unread } = connection
  if (phase === 'lingering' || phase === 'upgraded' || socket.destroyed) return
  const isAmid = hasBegun(connection, current?.req ?? unread)
  connection.ending ??= reason
  connection.closedFirst ??= 'server'
  site.registry.turn(connection, 'lingering')
  if (current !== undefined && !current.res.writableEnded) site.brokeOff(connection)
  if (connection.answering) connection.answering = false
  if (connection.failure !== undefined) connection.failure = undefined
  connection.clearTimers()
  dropWaiting(connection)
  if (socket.readableFlowing === false) resumeReading(connection)
  socket.end()
  // Node calls destroySoon() before the exchange has been taken away.
  const reader = current?.bodyTaken === true && !current.req.destroyed ? current.req : undefined
  site.lingering.add(connection, quiet, reader, isAmid)
}

/** Whether something has begun to arrive that is not whole yet, or has come that nobody will read. The parsers are asked only where nothing else tells. */
function hasBegun(connection: Connection, req: IncomingMessage | undefined): boolean {
  if (req !== undefined) return !req.complete
  return !connection.inputEnded && connection.receiving
}

/** Ends a connection at once. The peer can tell from the framing, or by a reset, that a response was broken off. */
export function cut(connection: Connection, reason: CloseReason): void {
  connection.ending = reason
  connection.closedFirst ??= 'server'
  kill(connection)
}

export function dropWaiting(connection: Connection): void {
  if (connection.waiting === undefined) return
  connection.site.counts.dropped += connection.waiting.length
  for (const { context } of connection.waiting) context.emitDestroy()
  connection.waiting = undefined
}

/**
 * `socket.destroy` of a governed connection: Node's and the application's, by way of `req.destroy()` and `res.destroy()` too. It does
 * not take a response along that has been written whole, nor the answer to a malformed request: then it means "output first".
 */
export function destroy(this: Socket & SocketCarrier, error?: Error | null): Socket {
  const connection = this[kConnection]
  if (connection === undefined || connection.released || connection.phase === 'upgraded') {
    destroyBy(connection?.own, this, error)
    return this
  }
  const byPeer = isBroken(connection, error)
  if (!byPeer && hasSomethingToSay(connection)) {
    // The request that was still read is destroyed: its body goes on coming.
    if (connection.linger?.isRead === true) connection.site.lingering.takeRaw(connection)
    shut(connection, connection.answering ? 'error' : 'handler')
    return this
  }
  if (!byPeer) noteOthers(connection)
  connection.byPeer ||= byPeer
  connection.ending ??= byPeer ? 'peer' : (connection.blame ?? 'handler')
  connection.closedFirst ??= byPeer ? 'peer' : 'server'
  kill(connection, error, byPeer)
  return this
}

/** Amid a drain: a request is cut by something that has tracked the connections itself (http-terminator, stoppable). */
function noteOthers({ site: { run }, current, raw }: Connection): void {
  if (run === undefined || current === undefined) return
  const place = directCaller(destroy)
  if (place !== undefined || raw?.destroyed === true) run.cutByOthers(place)
}

function hasSomethingToSay({ answering, phase, socket, blame, current, unread, requests }: Connection): boolean {
  if (socket.writableFinished && socket.readableEnded) return false
  if (answering || phase === 'lingering') return true
  if (blame !== undefined) return false
  // The answers before this one may still be on their way; that it is broken off shows all the same, unless its end is the connection's.
  if (current !== undefined && requests > 1 && !endsWithConnection(current)) return true
  // Answered whole, before the body had arrived: what is left of that would turn into a reset.
  return current?.res.writableEnded === true || unread?.complete === false
}

/** Milliseconds in which the peer reads what came before a reset: libuv takes data and a reset that are read in one go for a clean end. */
const BEFORE_RESET = 50

/**
 * A response whose body ends with the connection would look complete if it were cut with a FIN: it is cut with a reset. Over TLS the
 * missing close_notify tells, but many clients do not look: the reset goes below it.
 */
export function kill(connection: Connection, error?: Error | null, byPeer = false): void {
  if (connection.released) return
  connection.released = true
  const { socket, current } = connection
  if (!byPeer && current !== undefined && endsWithConnection(current) && !socket.writableEnded) {
    connection.site.timers.after(BEFORE_RESET, () => attempt(connection, reset))
  } else destroyBy(connection.own, socket, error)
}

function reset({ socket, raw }: Connection): void {
  const tcp = raw ?? socket
  if (!tcp.destroyed && canReset(tcp)) Socket.prototype.resetAndDestroy.call(tcp)
  socket.destroy()
}

/** `socket._destroy` of a governed connection: whoever destroys it, and however, comes here. */
export function _destroy(this: Socket & SocketCarrier, error: Error | null, callback: (error?: Error | null) => void): void {
  const connection = this[kConnection]
  // Before it is gone: over TLS, with the TCP socket gone already, 'close' comes within the call.
  connection?.site.run?.closing(this)
  const prior: Socket['_destroy'] = connection?.own?._destroy ?? Object.getPrototypeOf(this)._destroy
  prior.call(this, error, callback)
  connection?.site.closed(connection)
}
