import type { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import { attempt } from '../events/error-boundary.js'
import type { CloseReason } from '../events/types.js'
import { directCaller } from '../node/call-site.js'
import { destroyBy } from '../node/patched-methods.js'
import { canReset, isResetting } from '../node/socket-handle.js'
import { isBroken } from '../socket/connection-error.js'
import { recordSocket } from '../socket/record-socket.js'
import type { Connection } from './connection.js'
import { kConnection, type SocketCarrier } from './connection-of.js'
import { endsWithConnection } from './exchange.js'
import { resumeReading } from './pause-reading.js'
import { recordClose } from './record-close.js'
import { dropWaiting } from './waiting-requests.js'

// The ways in which a connection ends: output first, cut, or reset; and what `socket.destroy` of a governed connection does.

/**
 * Closes a connection output first: the server sends what was written, then (TLS: close_notify and) FIN, and then reads and discards the rest of the
 * input within the bounds of `linger`. The application gets no further request. `quiet`: the silence granted, at most `linger.quiet`. `receives`: whether
 * input is arriving that nothing will read, where that is known.
 */
export function closeOutputFirst(
  connection: Connection,
  reason: CloseReason,
  quiet = Number.POSITIVE_INFINITY,
  receives?: boolean,
): void {
  const {
    socket,
    phase,
    owner,
    current,
    rare: { unread },
  } = connection
  if (phase === 'lingering' || phase === 'upgraded' || socket.destroyed) return
  // In the middle of a body that ends with the connection, a FIN would look like the end of the body.
  if (isInCloseDelimitedBody(connection)) {
    cut(connection, connection.ending ?? reason)
    return
  }
  const isArriving = receives ?? hasUnreadInput(connection, current?.req ?? unread)
  recordClose(connection)
  connection.ending ??= reason
  connection.closedFirst ??= 'server'
  owner.connections.turn(connection, 'lingering')
  if (current !== undefined && !current.res.writableEnded) owner.requestBrokenOff(connection)
  if (!connection.hasNoRareFields) {
    connection.makeRare().answering = false
    connection.makeRare().failure = undefined
    connection.clearTimers()
    dropWaiting(connection)
  }
  // After a CONNECT that waited, the socket is neither flowing nor paused.
  if (socket.readableFlowing === false || connection.rare.stopped) resumeReading(connection)
  socket.end()
  // Node calls destroySoon() before the exchange is removed.
  const reader = current?.bodyTaken === true && !current.req.destroyed ? current.req : undefined
  owner.lingering.add(connection, quiet, reader, isArriving)
  owner.limits.leave(connection)
}

/**
 * `socket.end` of a governed connection, as the application calls it. In the middle of a body that ends with the connection it would look like the end of the body:
 * it breaks the body off. Behind an answer it closes output first: no further request could be answered, so none is run.
 */
export function end(this: Socket & SocketCarrier, ...args: unknown[]): Socket {
  const connection = this[kConnection]
  const isGoverned = connection !== undefined && connection.phase !== 'upgraded'
  if (isGoverned && isInCloseDelimitedBody(connection)) {
    cut(connection, connection.ending ?? 'handler')
    return this
  }
  Reflect.apply(connection?.rare.patched?.end ?? Object.getPrototypeOf(connection?.socket ?? this).end, this, args)
  if (isGoverned && connection.ending === undefined) closeBehindAnswer(connection)
  return this
}

/** The application has ended the output of a connection. */
export function closeBehindAnswer(connection: Connection): void {
  if (connection.current === undefined) {
    countBrokenPromise(connection)
    closeOutputFirst(connection, 'handler')
  } else if (connection.current.res.writableEnded) connection.ending = connection.inputEnded ? 'client-close' : 'handler'
}

/** Whether the response under way has a body that ends with the connection and is not complete. */
function isInCloseDelimitedBody({ current }: Connection): boolean {
  return current !== undefined && !current.res.writableEnded && current.res.socket !== null && endsWithConnection(current)
}

/** Whether a request is arriving, or input has arrived that nothing will read. The parsers are asked only where no other field tells. */
function hasUnreadInput(connection: Connection, req: IncomingMessage | undefined): boolean {
  if (req !== undefined) return !req.complete
  return !connection.inputEnded && connection.receiving
}

/** Ends a connection at once. The client can tell by the framing, or by a reset, that a response was broken off. */
export function cut(connection: Connection, reason: CloseReason): void {
  recordClose(connection)
  connection.ending = reason
  connection.closedFirst ??= 'server'
  kill(connection)
}

/**
 * `socket.destroy` of a governed connection, as Node and the application call it, also by `req.destroy()` and `res.destroy()`. It does not destroy a
 * response that has been written whole, nor the answer to a malformed request: in these cases it closes output first.
 */
export function destroy(this: Socket & SocketCarrier, error?: Error | null): Socket {
  const connection = this[kConnection]
  if (connection === undefined || connection.released || connection.phase === 'upgraded') {
    // A reset is about to be sent, and a FIN must not overtake it: Node's own closeAllConnections() destroys every socket.
    const waits = connection?.rare.resetTimer !== undefined && !isResetting(this) && !isBroken(connection, error)
    if (!waits) destroyBy(connection?.rare.patched, this, error)
    return this
  }
  const byPeer = isBroken(connection, error)
  // An explicit reset stays one; and below a TLS socket there may be nothing left to write to.
  if (!byPeer && !isResetting(this) && connection.raw?.destroyed !== true) {
    if (hasSomethingToSay(connection)) {
      // The application was still reading this request, and destroys it: its body goes on arriving.
      if (connection.linger?.isRead === true) connection.owner.lingering.takeRaw(connection)
      closeOutputFirst(connection, connection.rare.answering ? 'error' : 'handler')
      return this
    }
    const left = recentlyAnswered(connection)
    if (left > 0) {
      reportCutByOthers(connection)
      breakOff(connection, left)
      return this
    }
  }
  if (byPeer) connection.makeRare().byPeer = true
  else {
    reportCutByOthers(connection)
    countBrokenPromise(connection)
  }
  recordClose(connection)
  setReason(connection, byPeer ? 'peer' : (connection.rare.blame ?? 'handler'))
  connection.closedFirst ??= byPeer ? 'peer' : 'server'
  kill(connection, error, byPeer)
  return this
}

/**
 * Sets why a connection ends that is broken off. The reason that the head of a last response has announced does not hold if that response is not sent
 * whole.
 */
export function setReason(connection: Connection, reason: CloseReason): void {
  const { ending, current } = connection
  const isAnnounced = ending !== 'content-length' && ending !== 'error' && current?.headWritten === true
  if (ending === undefined || (isAnnounced && !current.res.writableFinished)) connection.ending = reason
}

/** The application destroys a connection on which the client may still send a request. */
export function countBrokenPromise(connection: Connection): void {
  const { ending, inputEnded, phase, owner } = connection
  if (ending !== undefined || inputEnded || phase !== 'idle') return
  // The state last: to tell it, all parsers of the server are asked.
  if (performance.now() < connection.promiseUntil && connection.state === 'idle') owner.promiseBroken('destroy')
}

/** During a drain: reports other code that tracks the connections and cuts requests (http-terminator, stoppable). */
function reportCutByOthers({ owner: { drain }, socket, current, raw, ending }: Connection): void {
  if (drain === undefined || current === undefined) return
  const place = directCaller(destroy)
  // The output was ended first, so the client's end destroys the socket.
  const isOutputEnded = ending === undefined && socket.writableEnded && !current.res.writableEnded
  if (place !== undefined || raw?.destroyed === true || isOutputEnded) drain.cutByOthers(place)
}

function hasSomethingToSay({ phase, socket, current, rare: { answering, blame, unread } }: Connection): boolean {
  if (socket.writableFinished && socket.readableEnded) return false
  if (answering || phase === 'lingering') return true
  if (blame !== undefined) return false
  // The request was answered whole before its body had arrived: the rest of the body would cause a reset.
  return current?.res.writableEnded === true || unread?.complete === false
}

/** Milliseconds after which the previous answer counts as arrived: the kernel had it when this request was handed over. */
const ARRIVES = 250

/**
 * For how many milliseconds the answer before the broken one may still be on its way. The kernel would delete it: input that arrives and is not read
 * turns the end into a reset.
 */
function recentlyAnswered({ current, requests, lastUsed, released, rare: { blame, waiting } }: Connection): number {
  if (blame !== undefined || current === undefined || requests <= 1 || released || endsWithConnection(current)) return 0
  if (current.req.complete && waiting === undefined) return 0
  return lastUsed + ARRIVES - performance.now()
}

/** Ends a connection in the middle of a request, but not at once: the client gets the FIN now, and nothing more is read. */
function breakOff(connection: Connection, ms: number): void {
  const { socket, owner } = connection
  recordClose(connection)
  setReason(connection, 'handler')
  connection.closedFirst ??= 'server'
  owner.connections.turn(connection, 'lingering')
  owner.requestBrokenOff(connection)
  connection.clearTimers()
  dropWaiting(connection)
  socket.pause()
  socket.end()
  connection.setTimer(ms, () => kill(connection))
}

/**
 * Ends a connection soon after its output was shut in the middle of an upload, so that the application hears of its end. What the application has written to the socket may be
 * an answer: it has a moment to arrive.
 */
export function breakOffUpload(connection: Connection): void {
  const { socket, phase } = connection
  if (phase !== 'lingering' || socket.destroyed) return
  const end = () => connection.setTimer(socket.bytesWritten === 0 ? 0 : ARRIVES, () => kill(connection))
  if (socket.writableFinished) end()
  else socket.once('finish', end)
}

/** Milliseconds for the client to read what came before a reset: libuv takes data and a reset that are read together for a clean end. */
const BEFORE_RESET = 50

/**
 * If a response whose body ends with the connection were cut by a FIN, it would look complete: it is cut by a reset. Over TLS the missing
 * close_notify shows the cut, but many clients do not check it, so the TCP socket below is reset.
 */
export function kill(connection: Connection, error?: Error | null, byPeer = false): void {
  if (connection.released) return
  connection.released = true
  const { socket, current } = connection
  // The end may have been written, and not be with the kernel yet.
  const isUnfinished = !socket.writableEnded || socket.writableLength > 0
  if (!byPeer && current !== undefined && endsWithConnection(current) && isUnfinished) {
    resetSoon(connection)
  } else destroyBy(connection.rare.patched, socket, error)
}

/** The client has reset the connection; Node has not reported it, a look at the socket has shown it. */
export function killByPeer(connection: Connection): void {
  const record = recordClose(connection)
  if (record !== undefined) record.isReset = true
  connection.makeRare().byPeer = true
  setReason(connection, 'peer')
  connection.closedFirst ??= 'peer'
  kill(connection, undefined, true)
}

/** A function of its own: its closure would cost every connection that ends a context. */
function resetSoon(connection: Connection): void {
  connection.makeRare().resetTimer = connection.owner.timers.after(BEFORE_RESET, () => attempt(connection, reset))
}

/** Ends the connection with a reset, so that what was sent does not look complete. */
export function reset(connection: Connection): void {
  const { socket, raw } = connection
  if (connection.rare.resetTimer !== undefined) connection.makeRare().resetTimer = undefined
  const { closeRecord } = connection.rare
  if (closeRecord !== undefined) closeRecord.isReset = true
  const tcp = raw ?? socket
  if (!tcp.destroyed && canReset(tcp)) Socket.prototype.resetAndDestroy.call(tcp)
  socket.destroy()
}

/** `socket._destroy` of a governed connection: every way to destroy the socket leads here. */
export function _destroy(this: Socket & SocketCarrier, error: Error | null, callback: (error?: Error | null) => void): void {
  const connection = this[kConnection]
  // Called before the socket is gone: over TLS, if the TCP socket is gone already, 'close' is emitted within the call.
  connection?.owner.drain?.closing(this)
  if (connection !== undefined) noteLast(connection, error)
  const prior: Socket['_destroy'] =
    connection?.rare.patched?._destroy ?? Object.getPrototypeOf(connection?.socket ?? this)._destroy
  prior.call(this, error, callback)
  connection?.owner.closed(connection)
}

function noteLast(connection: Connection, error: Error | null): void {
  const record = recordClose(connection)
  if (record !== undefined) recordSocket(record, connection, connection.rare.byPeer ? error : undefined)
}
