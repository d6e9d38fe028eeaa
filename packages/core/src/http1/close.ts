import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { attempt } from '../events/attempt.js'
import type { CloseReason } from '../events/types.js'
import { directCaller } from '../node/call-site.js'
import { destroyBy } from '../node/own-methods.js'
import { canReset, isResetting } from '../node/socket-handle.js'
import { isBroken } from '../socket/connection-error.js'
import { lookLast } from '../socket/last-look.js'
import type { Connection } from './connection.js'
import { kConnection, type SocketCarrier } from './connection-of.js'
import { noteEnd } from './end.js'
import { endsWithConnection } from './exchange.js'
import { resumeReading } from './pause-reading.js'
import { dropWaiting } from './waiting-requests.js'

/**
 * Ends a connection output first: what was written is sent, then (TLS: close_notify and) FIN, then the rest of the input is read
 * and thrown away within the bounds of `linger`. Nothing is handed to the application any more. `quiet`: the silence granted, at most
 * `linger.quiet`.
 */
export function shut(connection: Connection, reason: CloseReason, quiet = Number.POSITIVE_INFINITY): void {
  const {
    socket,
    phase,
    owner,
    current,
    rare: { unread },
  } = connection
  if (phase === 'lingering' || phase === 'upgraded' || socket.destroyed) return
  // Amid a body that ends with the connection a FIN would look like its end.
  if (isAmidUnframed(connection)) {
    cut(connection, connection.ending ?? reason)
    return
  }
  const isAmid = hasBegun(connection, current?.req ?? unread)
  noteEnd(connection)
  connection.ending ??= reason
  connection.closedFirst ??= 'server'
  owner.connections.turn(connection, 'lingering')
  if (current !== undefined && !current.res.writableEnded) owner.brokeOff(connection)
  if (connection.rare.answering) connection.makeRare().answering = false
  if (connection.rare.failure !== undefined) connection.makeRare().failure = undefined
  connection.clearTimers()
  dropWaiting(connection)
  // Behind a CONNECT that has waited nothing flows, nor is it paused.
  if (socket.readableFlowing === false || connection.rare.stopped) resumeReading(connection)
  socket.end()
  // Node calls destroySoon() before the exchange has been taken away.
  const reader = current?.bodyTaken === true && !current.req.destroyed ? current.req : undefined
  owner.lingering.add(connection, quiet, reader, isAmid)
  owner.limits.leave(connection)
}

/** `socket.end` of a connection on which a body is sent that ends with it: the application that calls it amid that body breaks the body off. */
export function end(this: Socket & SocketCarrier, ...args: unknown[]): Socket {
  const connection = this[kConnection]
  if (connection !== undefined && connection.phase !== 'upgraded' && isAmidUnframed(connection)) {
    cut(connection, connection.ending ?? 'handler')
    return this
  }
  return Reflect.apply(Object.getPrototypeOf(connection?.socket ?? this).end, this, args)
}

/** Whether a body is being sent whose end would look like its whole. */
function isAmidUnframed({ current }: Connection): boolean {
  return current !== undefined && !current.res.writableEnded && current.res.socket !== null && endsWithConnection(current)
}

/** Whether something has begun to arrive that is not whole yet, or has come that nobody will read. The parsers are asked only where nothing else tells. */
function hasBegun(connection: Connection, req: IncomingMessage | undefined): boolean {
  if (req !== undefined) return !req.complete
  return !connection.inputEnded && connection.receiving
}

/** Ends a connection at once. The peer can tell from the framing, or by a reset, that a response was broken off. */
export function cut(connection: Connection, reason: CloseReason): void {
  noteEnd(connection)
  connection.ending = reason
  connection.closedFirst ??= 'server'
  kill(connection)
}

/**
 * `socket.destroy` of a governed connection: Node's and the application's, by way of `req.destroy()` and `res.destroy()` too. It does
 * not take a response along that has been written whole, nor the answer to a malformed request: then it means "output first".
 */
export function destroy(this: Socket & SocketCarrier, error?: Error | null): Socket {
  const connection = this[kConnection]
  if (connection === undefined || connection.released || connection.phase === 'upgraded') {
    // A reset is on its way, which a FIN would overtake: Node's own closeAllConnections() goes over all sockets.
    const waits = connection?.rare.resetTimer !== undefined && !isResetting(this) && !isBroken(connection, error)
    if (!waits) destroyBy(connection?.rare.own, this, error)
    return this
  }
  const byPeer = isBroken(connection, error)
  // An explicit reset is one; and below a TLS socket there may be nothing left to say it on.
  if (!byPeer && !isResetting(this) && connection.raw?.destroyed !== true) {
    if (hasSomethingToSay(connection)) {
      // The request that was still read is destroyed: its body goes on coming.
      if (connection.linger?.isRead === true) connection.owner.lingering.takeRaw(connection)
      shut(connection, connection.rare.answering ? 'error' : 'handler')
      return this
    }
    const left = recentlyAnswered(connection)
    if (left > 0) {
      noteOthers(connection)
      breakOff(connection, left)
      return this
    }
  }
  if (!byPeer) noteOthers(connection)
  if (byPeer) connection.makeRare().byPeer = true
  noteEnd(connection)
  connection.ending ??= byPeer ? 'peer' : (connection.rare.blame ?? 'handler')
  connection.closedFirst ??= byPeer ? 'peer' : 'server'
  kill(connection, error, byPeer)
  return this
}

/** Amid a drain: a request is cut by something that has tracked the connections itself (http-terminator, stoppable). */
function noteOthers({ owner: { drain }, socket, current, raw, ending }: Connection): void {
  if (drain === undefined || current === undefined) return
  const place = directCaller(destroy)
  // Shut first, so that it is the client's end that destroys it.
  const isShut = ending === undefined && socket.writableEnded && !current.res.writableEnded
  if (place !== undefined || raw?.destroyed === true || isShut) drain.cutByOthers(place)
}

function hasSomethingToSay({ phase, socket, current, rare: { answering, blame, unread } }: Connection): boolean {
  if (socket.writableFinished && socket.readableEnded) return false
  if (answering || phase === 'lingering') return true
  if (blame !== undefined) return false
  // Answered whole, before the body had arrived: what is left of that would turn into a reset.
  return current?.res.writableEnded === true || unread?.complete === false
}

/** Milliseconds after which the answer before is taken to have arrived: it was with the kernel when this request was handed over. */
const ARRIVES = 250

/**
 * How many milliseconds the answer before the one that is broken off may still be on its way, where the kernel would wipe it out: bytes that come and are
 * not read turn the end into a reset.
 */
function recentlyAnswered({ current, requests, lastUsed, released, rare: { blame, waiting } }: Connection): number {
  if (blame !== undefined || current === undefined || requests <= 1 || released || endsWithConnection(current)) return 0
  if (current.req.complete && waiting === undefined) return 0
  return lastUsed + ARRIVES - performance.now()
}

/** Ends a connection amid a request soon: the peer is told at once, and nothing more is read. */
function breakOff(connection: Connection, ms: number): void {
  const { socket, owner } = connection
  noteEnd(connection)
  connection.ending ??= 'handler'
  connection.closedFirst ??= 'server'
  owner.connections.turn(connection, 'lingering')
  owner.brokeOff(connection)
  connection.clearTimers()
  dropWaiting(connection)
  socket.pause()
  socket.end()
  connection.setTimer(ms, () => kill(connection))
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
  // Its end may have been written, and not be with the kernel.
  const isAmid = !socket.writableEnded || socket.writableLength > 0
  if (!byPeer && current !== undefined && endsWithConnection(current) && isAmid) {
    resetSoon(connection)
  } else destroyBy(connection.rare.own, socket, error)
}

/** The peer has reset it, which nothing but a look at it has told. */
export function killByPeer(connection: Connection): void {
  const end = noteEnd(connection)
  if (end !== undefined) end.isReset = true
  connection.makeRare().byPeer = true
  connection.ending ??= 'peer'
  connection.closedFirst ??= 'peer'
  kill(connection, undefined, true)
}

/** Apart: its closure would cost every connection that ends a context. */
function resetSoon(connection: Connection): void {
  connection.makeRare().resetTimer = connection.owner.timers.after(BEFORE_RESET, () => attempt(connection, reset))
}

/** Ends it with a reset, so that what was sent looks like half of something. */
export function reset(connection: Connection): void {
  const { socket, raw } = connection
  if (connection.rare.resetTimer !== undefined) connection.makeRare().resetTimer = undefined
  const { end } = connection.rare
  if (end !== undefined) end.isReset = true
  const tcp = raw ?? socket
  if (!tcp.destroyed && canReset(tcp)) Socket.prototype.resetAndDestroy.call(tcp)
  socket.destroy()
}

/** `socket._destroy` of a governed connection: whoever destroys it, and however, comes here. */
export function _destroy(this: Socket & SocketCarrier, error: Error | null, callback: (error?: Error | null) => void): void {
  const connection = this[kConnection]
  // Before it is gone: over TLS, with the TCP socket gone already, 'close' comes within the call.
  connection?.owner.drain?.closing(this)
  if (connection !== undefined) noteLast(connection, error)
  const prior: Socket['_destroy'] = connection?.rare.own?._destroy ?? Object.getPrototypeOf(connection?.socket ?? this)._destroy
  prior.call(this, error, callback)
  connection?.owner.closed(connection)
}

function noteLast(connection: Connection, error: Error | null): void {
  const end = noteEnd(connection)
  if (end !== undefined) lookLast(end, connection, connection.rare.byPeer ? error : undefined)
}
