import type { ServerHttp2Session } from 'node:http2'
import type { Socket } from 'node:net'
import { connectionOf } from '../http1/connection-of.js'
import { sessionOf } from '../http2/session.js'
import { isHttp2, isSecure, speaksHttp1 } from '../node/server-kinds.js'
import { belowTls, rawBelowTls } from '../node/socket-handle.js'
import { Handshakes } from '../socket/tls-handshakes.js'
import { admit, admitForeign, admitSession, turnsAway } from './accept.js'
import type { GovernedServer } from './governed-server.js'

/** A server has got a connection that may speak HTTP. `args`: the arguments of the event, if there are more than the socket. */
export type Connect = (event: 'connection' | 'secureConnection', socket: Socket, args?: readonly unknown[]) => boolean

/** Handles the events of a server that bring connections. `onFirstInjectedConnection` is called when a server that does not listen gets its first connection. */
export function connectionEvents(
  governed: GovernedServer,
  onFirstInjectedConnection: () => void,
): { readonly connect: Connect; readonly beginSession: (session: ServerHttp2Session) => void } {
  const { server } = governed
  const secure = isSecure(server)
  const http2 = isHttp2(server)
  /** A socket on which Node may begin a session: Node tells so by another event, emitted within this one. */
  let arriving: { readonly socket: Socket; readonly raw: Socket | undefined } | undefined
  const connect: Connect = (event, socket, args) => {
    governed.follow()
    const below = belowTls(socket)
    if (below !== undefined) Handshakes.finish(below)
    const raw = below && rawBelowTls(socket)
    if (!governed.listener.hasListened && !governed.listener.hasInjectedConnections) {
      governed.listener.hasInjectedConnections = true
      onFirstInjectedConnection()
    }
    if (!http2) {
      const heard = args === undefined ? governed.forwardConnection(socket) : governed.forward(event, args)
      if (secure || !turnsAway(governed, socket)) admit(governed, socket, raw)
      return heard
    }
    const before = connectionOf(socket)
    arriving = { socket, raw }
    const heard = governed.forward(event, args ?? [socket])
    arriving = undefined
    // A listener ('unknownProtocol') may have passed it on to another governed server, and it belongs to that server then.
    if (sessionOf(socket) !== undefined || connectionOf(socket) !== before) return heard
    if (speaksHttp1(server) && !speaksHttp2(socket)) admit(governed, socket, raw)
    else admitForeign(governed, socket, raw)
    return heard
  }

  const beginSession = (session: ServerHttp2Session): void => {
    if (arriving !== undefined) admitSession(governed, session, arriving.socket, arriving.raw)
  }
  return { connect, beginSession }
}

function speaksHttp2(socket: Socket): boolean {
  return 'alpnProtocol' in socket && socket.alpnProtocol !== false && socket.alpnProtocol !== 'http/1.1'
}
