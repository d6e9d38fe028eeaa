import { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { type Connection, connectionOf } from './connection.js'
import { GRACE } from './policy.js'
import { resumeReading } from './reading.js'
import type { CloseReason } from './types.js'

/** Of an idle connection there is no response in flight that a reset could wipe out: a second for the peer's FIN is plenty. */
const IDLE_QUIET = GRACE

/**
 * Ends a connection output first: what was written is sent, then (TLS: close_notify and) FIN, then the rest of the input is read
 * and thrown away within the bounds of `linger`. Nothing is handed to the application any more.
 */
export function shut(connection: Connection, reason: CloseReason): void {
  const { socket, phase, site } = connection
  if (phase === 'lingering' || phase === 'upgraded' || socket.destroyed) return
  connection.ending ??= reason
  connection.closedFirst ??= 'server'
  connection.phase = 'lingering'
  connection.answering = false
  connection.failure = undefined
  clearTimeout(connection.timer)
  dropWaiting(connection)
  const body = connection.current?.bodyTaken === true ? connection.current.req : undefined
  resumeReading(connection)
  socket.end()
  site.lingering.add(connection, phase === 'idle' || phase === 'silent' ? IDLE_QUIET : Number.POSITIVE_INFINITY, body)
}

/** Ends a connection at once. The peer can tell from the framing, or by a reset, that a response was broken off. */
export function cut(connection: Connection, reason: CloseReason): void {
  connection.ending = reason
  connection.closedFirst ??= 'server'
  connection.answering = false
  connection.socket.destroy()
}

export function dropWaiting(connection: Connection): void {
  if (connection.waiting === undefined) return
  connection.site.counts.dropped += connection.waiting.length
  connection.waiting = undefined
}

/** `socket.destroySoon` of a governed connection: the one place where Node itself closes after a last response. */
export function destroySoon(this: Socket): void {
  const connection = connectionOf(this)
  if (connection !== undefined) shut(connection, connection.inputEnded ? 'client-close' : 'handler')
}

/**
 * `socket.destroy` of a governed connection. A response whose body ends with the connection would look complete if it were cut
 * with a FIN: it is cut with a reset. Over TLS the missing close_notify tells, but many clients do not look: the reset goes below it.
 */
export function destroy(this: Socket, error?: Error): Socket {
  const connection = connectionOf(this)
  if (connection === undefined || connection.released) return Reflect.apply(Socket.prototype.destroy, this, [error])
  if (connection.answering) {
    shut(connection, 'error')
    return this
  }
  connection.released = true
  const byPeer = isConnectionError(error)
  connection.ending ??= byPeer ? 'peer' : (connection.blame ?? 'handler')
  connection.closedFirst ??= byPeer ? 'peer' : 'server'
  if (!byPeer && looksComplete(connection)) {
    if (!(this instanceof TLSSocket)) return this.resetAndDestroy()
    connection.raw?.resetAndDestroy()
  }
  return Reflect.apply(Socket.prototype.destroy, this, [error])
}

function looksComplete({ current }: Connection): boolean {
  return current?.closeDelimited === true && current.res.headersSent
}

/** An error of the connection itself (a reset, a broken pipe, TLS gone wrong): nobody is left to tell anything. */
export function isConnectionError(error: Error | undefined): boolean {
  if (error === undefined) return false
  return (
    'syscall' in error || ('code' in error && typeof error.code === 'string' && /^(?:ERR_SSL_|EPROTO|ECONN)/.test(error.code))
  )
}
