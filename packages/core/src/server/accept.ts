import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'
import { Connection } from '../http1/connection.js'
import { bind, connectionOf, kConnection, type SocketCarrier } from '../http1/connection-of.js'
import { onLateEnd } from '../http1/half-closed.js'
import { takeOver } from '../http1/socket-methods.js'
import { leaveToOther } from '../http1/upgrade.js'
import { knowsMessages } from '../node/parser.js'
import { expiryOf } from '../policy.js'
import { remoteOf } from '../socket/remote-address.js'
import type { GovernedServer } from './governed-server.js'

// A new connection comes under the policy of its server.

/** Whether this is one connection too many that is dropped at once. */
export function turnsAway(governed: GovernedServer, socket: Socket): boolean {
  if (!governed.limits.drops(socket)) return false
  governed.counts.refused[governed.limits.limitOver(socket)]++
  socket.destroy()
  return true
}

/** A TLS handshake begins on what has just been accepted; false: it was dropped. */
export function beginHandshake(governed: GovernedServer, raw: Duplex): boolean {
  if (governed.handshakes.begin(raw, () => governed.drain?.check())) return true
  governed.counts.refused[governed.limits.limitOver(raw)]++
  raw.destroy()
  return false
}

/** What is neither HTTP/1.1 nor HTTP/2 on an http2 server: Node, or an 'unknownProtocol' listener, deals with it. */
export function admitForeign(governed: GovernedServer, socket: Socket, raw: Socket | undefined): void {
  admit(governed, socket, raw)
  const connection = connectionOf(socket)
  if (connection !== undefined) leaveToOther(connection)
}

/** A connection on which HTTP/1 may be spoken. Node has set it up already. */
export function admit(governed: GovernedServer, socket: Socket & SocketCarrier, raw: Socket | undefined): void {
  if (socket.destroyed) return
  const before = socket[kConnection]
  if (before !== undefined) {
    // A listener has passed it on to another server of ours, whose connection it is now.
    if (before.phase !== 'upgraded') return
    // `server.emit('connection', socket)` for one that was upgraded: a new life on the same socket.
    before.owner.closed(before)
  }
  if (governed.events.hearsClose) remoteOf(socket, governed)
  const now = performance.now()
  const connection = new Connection(socket, raw, governed, now, expiryOf(governed.policy.keepAlive, now, Math.random()))
  bind(socket, connection)
  governed.connections.add(connection)
  governed.counts.opened++
  governed.isListed ||= knowsMessages(governed.server)
  if (!governed.isListed) connection.makeRare().unlisted = true
  takeOver(connection)
  // Over TLS Node would answer the client's close_notify with its own at once.
  if (governed.policy.halfClosed > 0) socket.allowHalfOpen = true
  socket.setNoDelay(governed.policy.tcp.noDelay)
  governed.tcpKeepAlive.enableIfSilent(socket)
  // Somebody has read it before, and with what is buffered perhaps its end.
  if (socket.readableLength > 0) socket.once('end', onLateEnd)
  governed.limits.enter(connection)
}

/** A session that Node has just begun on `socket`. */
export function admitSession(governed: GovernedServer, http2: ServerHttp2Session, socket: Socket, raw: Socket | undefined): void {
  if (socket.destroyed) return
  if (governed.events.hearsClose) remoteOf(socket, governed)
  governed.sessions.admit(http2, socket, raw)
  socket.setNoDelay(governed.policy.tcp.noDelay)
  governed.tcpKeepAlive.enable(socket)
}
