import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'
import { closeBehindAnswer } from '../http1/close.js'
import { Connection } from '../http1/connection.js'
import { bind, connectionOf, kConnection, type SocketCarrier } from '../http1/connection-of.js'
import { onLateEnd } from '../http1/half-closed-client.js'
import { takeOverSocket } from '../http1/socket-methods.js'
import { handToOtherProtocol } from '../http1/upgrade.js'
import { knowsMessages } from '../node/parser.js'
import { expiryOf } from '../policy.js'
import { remoteOf } from '../socket/remote-address.js'
import type { GovernedServer } from './governed-server.js'

// How a new connection comes under the policy of its server.

/** Whether a connection over a limit is dropped at once. */
export function turnsAway(governed: GovernedServer, socket: Socket): boolean {
  if (!governed.limits.drops(socket)) return false
  governed.limits.drop(socket)
  return true
}

/** A TLS handshake begins on a new connection. Returns false if the connection was dropped. */
export function beginHandshake(governed: GovernedServer, raw: Duplex): boolean {
  if (governed.handshakes.begin(raw, () => governed.drain?.check())) return true
  governed.limits.drop(raw)
  return false
}

/** A connection of an http2 server that speaks neither HTTP/1.1 nor HTTP/2: Node, or an 'unknownProtocol' listener, handles it. */
export function admitForeign(governed: GovernedServer, socket: Socket, raw: Socket | undefined): void {
  takeIn(governed, socket, raw)
  const connection = connectionOf(socket)
  if (connection !== undefined) handToOtherProtocol(connection)
}

/** Takes in a connection that may speak HTTP/1. Node has set it up already. */
export function admit(governed: GovernedServer, socket: Socket, raw: Socket | undefined): void {
  takeIn(governed, socket, raw)
  // A 'connection' listener has turned it away.
  const connection = socket.writableEnded ? connectionOf(socket) : undefined
  if (connection !== undefined) closeBehindAnswer(connection)
}

function takeIn(governed: GovernedServer, socket: Socket & SocketCarrier, raw: Socket | undefined): void {
  if (socket.destroyed) return
  const before = socket[kConnection]
  if (before !== undefined) {
    // A listener has passed it on to another governed server, and it belongs to that server now.
    if (before.phase !== 'upgraded') return
    // The application emitted `server.emit('connection', socket)` for an upgraded socket: a new life on the same socket.
    before.owner.closed(before)
  }
  if (governed.events.hearsClose) remoteOf(socket, governed)
  const now = performance.now()
  const connection = new Connection(socket, raw, governed, now, expiryOf(governed.policy.keepAlive, now, Math.random))
  bind(socket, connection)
  governed.connections.add(connection)
  governed.counts.opened++
  governed.isListed ||= knowsMessages(governed.server)
  if (!governed.isListed) connection.makeRare().unlisted = true
  takeOverSocket(connection)
  // Otherwise, over TLS, Node would answer the client's close_notify with its own at once.
  if (governed.policy.halfClosed > 0) socket.allowHalfOpen = true
  socket.setNoDelay(governed.policy.tcp.noDelay)
  governed.tcpKeepAlive.enableIfSilent(socket)
  // Other code has read from it before, and its end may stand behind what is buffered.
  if (socket.readableLength > 0) socket.once('end', onLateEnd)
  governed.limits.enter(connection)
}

/** Takes in a session that Node has just begun on `socket`. */
export function admitSession(governed: GovernedServer, http2: ServerHttp2Session, socket: Socket, raw: Socket | undefined): void {
  if (socket.destroyed) return
  if (governed.events.hearsClose) remoteOf(socket, governed)
  governed.sessions.admit(http2, socket, raw)
  socket.setNoDelay(governed.policy.tcp.noDelay)
  governed.tcpKeepAlive.enable(socket)
}
