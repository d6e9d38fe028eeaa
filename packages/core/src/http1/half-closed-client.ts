import type { Socket } from 'node:net'
import { types } from 'node:util'
import { attempt } from '../events/error-boundary.js'
import { beginHalfClosedWait } from '../socket/half-closed-wait.js'
import { hasReset } from '../socket/peer-reset.js'
import { cut, kill, killByPeer } from './close.js'
import type { Connection } from './connection.js'
import { connectionOf, kConnection, type SocketCarrier } from './connection-of.js'
import { pushPieces } from './pause-reading.js'

// A client that has sent FIN, and may still wait for an answer: option `halfClosed`. What follows the server's own FIN is in
// socket/lingering-close.ts.

/**
 * `socket.push` of a governed connection. Node calls it with null when it has read the client's FIN, and with bytes where the parser does not read
 * from the handle.
 */
export function push(this: Socket & SocketCarrier, chunk: unknown, encoding?: BufferEncoding): boolean {
  const connection = this[kConnection]
  if (chunk === null && connection !== undefined && connection.phase !== 'upgraded' && endInput(connection)) {
    if (connection.rare.patched === undefined) return false
  }
  // Read only here: V8 takes long to find the prototype.
  const prior: Socket['push'] = connection?.rare.patched?.push ?? Object.getPrototypeOf(this).push
  if (chunk !== null && connection?.rare.inPieces === true && types.isUint8Array(chunk)) {
    return pushInPieces(this, prior, chunk)
  }
  return prior.call(this, chunk, encoding)
}

/** A function of its own: V8 allocates the context of a closure whenever the function around it is entered. */
function pushInPieces(socket: Socket, prior: Socket['push'], chunk: Uint8Array): boolean {
  return pushPieces(chunk, (piece) => prior.call(socket, piece))
}

/** For a socket whose FIN may have been read before halfclose governed it. */
export function onLateEnd(this: Socket): void {
  const connection = connectionOf(this)
  if (connection !== undefined && !connection.inputEnded && connection.phase !== 'upgraded') endInput(connection)
}

/**
 * The client has sent FIN. If it still waits for an answer, it gets it (RFC 9112 §9.6). But a client that is gone looks the same on the wire, and
 * applications rely on the response's 'close' to stop their work: so the wait is bounded. Returns whether the connection waited only for this FIN.
 */
function endInput(connection: Connection): boolean {
  const { phase, linger, socket } = connection
  connection.inputEnded = true
  connection.closedFirst ??= 'peer'
  if (phase === 'lingering') {
    // Nothing reads the input before the FIN, and our own end is sent: the socket can be destroyed at once.
    if (linger === undefined || linger.isRead || !socket.writableFinished) return false
    kill(connection)
    return true
  }
  if (connection.current === undefined) connection.ending ??= 'client-close'
  else if (hasReset(connection)) {
    killByPeer(connection)
    return true
  } else boundAnswer(connection)
  return false
}

/** Bounds the answer that a half-closed client waits for; anew for each of several. */
export function boundAnswer(connection: Connection): void {
  const { halfClosed } = connection.owner.policy
  if (halfClosed === 0 || connection.socket.destroyed) return
  beginHalfClosedWait({
    peer: connection,
    ms: halfClosed,
    unacknowledged: connection.owner.unacknowledged,
    arm: (ms, look) => {
      connection.rare.halfClosedTimer?.stop()
      connection.makeRare().halfClosedTimer = connection.owner.timers.after(ms, () => attempt(connection, look))
    },
    wasReset: () => killByPeer(connection),
    isOver: () => cut(connection, 'half-closed'),
  })
}
