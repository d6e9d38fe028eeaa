import { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { types } from 'node:util'
import type { AnyRequest, AnyResponse } from '../http/messages.js'
import { onClientError } from '../http1/client-error.js'
import type { Connection } from '../http1/connection.js'
import { connectionOf } from '../http1/connection-of.js'
import { arrive, arriveUpgrade } from '../http1/incoming-request.js'
import { interceptConnectionHeader } from '../http2/connection-close.js'
import { arriveStream } from '../http2/streams.js'
import type { AttachableServer } from '../node/attachable-server.js'
import { nextTick } from '../node/real-timers.js'
import { isHttp2, isSecure } from '../node/server-kinds.js'
import type { Policy } from '../options/types.js'
import { admit, beginHandshake, turnsAway } from './accept.js'
import { type Connect, connectionEvents } from './connection-events.js'
import type { GovernedServer } from './governed-server.js'
import { follow, impose } from './node-settings.js'
import { type CloseCallbacks, define, takeOverMethods } from './server-methods.js'
import { boundHalfClosed } from './unseen-connections.js'

// The events of a governed server: halfclose sees each before the application does.

/** How the handle reacts to what happens to a governed server. */
export interface ServerCallbacks extends CloseCallbacks {
  /** A server that does not listen has got its first connection. */
  onFirstInjectedConnection(governed: GovernedServer): void
  /** A drained server listens again. */
  relisten(governed: GovernedServer): void
  /** The server's defaults were changed after it was attached: returns the policy that follows from them. */
  policyFor(governed: GovernedServer): Policy
}

/**
 * Puts a policy on a server. halfclose sees the server's events by replacing `emit`, so that hijacked replies, 404s, errors and upgrades cannot
 * escape the policy.
 */
export function takeOverServer(governed: GovernedServer, callbacks: ServerCallbacks): void {
  const { server } = governed
  const isPlain = !isSecure(server) && !isHttp2(server)
  governed.requireHost = Reflect.get(server, 'requireHostHeader') !== false
  // A missing Host and an unknown expectation are answered in their turn (http1/incoming-request.ts); Node would answer at once.
  Reflect.set(server, 'requireHostHeader', false)
  addDefaultListenersWhenAsked(server)
  governed.takesTunnels = () => hasOthers(server, 'connect', leaveToArrival)
  impose(governed)
  governed.admit = (socket, raw) => admit(governed, socket, raw)
  governed.follow = () => follow(governed, callbacks.policyFor)
  const { connect, beginSession } = connectionEvents(governed, () => callbacks.onFirstInjectedConnection(governed))
  const emitOther = otherEvents(governed, callbacks, connect, beginSession)

  /** No rest parameter, which would be an array for every request. */
  function emit(event: string, first?: unknown, second?: unknown): boolean {
    if (event === 'request' && first instanceof IncomingMessage && second instanceof ServerResponse) {
      governed.follow()
      return arrive(governed, event, first, second)
    }
    if (event === 'connection' && first instanceof Socket && governed.listener.waiting !== undefined) {
      return governed.listener.waiting.push(first) > 0
    }
    // biome-ignore lint/complexity/noArguments: a rest parameter would be an array for every request
    if (isPlain && event === 'connection' && first instanceof Socket && arguments.length === 2) return connect(event, first)
    // biome-ignore lint/complexity/noArguments: a rest parameter would be an array for every request
    return Reflect.apply(emitOther, undefined, arguments)
  }

  define(server, 'emit', emit)
  governed.emit = emit
  takeOverMethods(governed, callbacks)
}

/** Handles all events of a server except those that {@link takeOverServer} checks first. */
function otherEvents(
  governed: GovernedServer,
  callbacks: ServerCallbacks,
  connect: Connect,
  beginSession: (session: ServerHttp2Session) => void,
): (event: string, ...args: unknown[]) => boolean {
  const secure = isSecure(governed.server)
  const http2 = isHttp2(governed.server)
  return (event, ...args) => {
    // No destructuring, which uses an iterator.
    const first = args[0]
    const second = args[1]
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        governed.follow()
        if (first instanceof IncomingMessage && second instanceof ServerResponse) return arrive(governed, event, first, second)
        if (answersStream(governed, event, first, second)) return true
        break
      case 'session':
        if (isSession(first)) beginSession(first)
        break
      case 'stream':
        if (isStream(first)) return arriveStream(governed, first, args)
        break
      case 'upgrade':
      case 'connect':
        if (first instanceof IncomingMessage) return arriveUpgrade(governed, event, [first, ...args.slice(1)])
        break
      case 'clientError':
        if (types.isNativeError(first) && second instanceof Socket) return onClientError(governed, first, second)
        break
      case 'timeout':
        if (first instanceof Socket) return onTimeout(governed, first)
        break
      case 'connection':
        if (secure) {
          if (first instanceof Duplex && !beginHandshake(governed, first)) return true
        } else if (first instanceof Socket) {
          if (http2 && turnsAway(governed, first)) return true
          return connect(event, first, args)
        } else if (first instanceof Duplex) boundHalfClosed(governed, first)
        break
      case 'secureConnection':
        if (first instanceof Socket) return connect(event, first, args)
        break
      case 'listening': {
        const heard = governed.forward(event, args)
        if (governed.listener.isAnew) callbacks.relisten(governed)
        else governed.nowListening()
        return heard
      }
      case 'close':
        if (governed.listener.mutesClose) {
          governed.listener.mutesClose = false
          return false
        }
        governed.nowClosed()
    }
    return governed.forward(event, args)
  }
}

/** An HTTP/2 request as Node's compatibility objects; its stream has passed already. Returns whether it is answered. */
function answersStream(governed: GovernedServer, event: string, req: unknown, res: unknown): boolean {
  if (!isAnswerable(res)) return false
  interceptConnectionHeader(res)
  if (event !== 'request' || !isRequest(req) || governed.intercept?.(req, res) !== true) return false
  governed.drain?.probed(Reflect.get(req, 'stream') ?? req)
  return true
}

/**
 * A socket's timer fired. Between two requests it belongs to the policy; any other timeout (`server.setTimeout`, Fastify's `connectionTimeout`) is
 * handled as if halfclose did not listen.
 */
function onTimeout(governed: GovernedServer, socket: Socket): boolean {
  const connection = connectionOf(socket)
  if (connection?.phase === 'idle') {
    governed.idleTimeout.expire(connection)
    return true
  }
  if (connection?.phase === 'lingering') return true
  const heard = governed.forward('timeout', [socket])
  if (!heard && connection !== undefined) {
    connection.makeRare().blame = 'timeout'
    // Node destroys the socket now, or never: the request or its response may have listened.
    nextTick(forgetBlame, connection)
  }
  return heard
}

function forgetBlame(connection: Connection): void {
  connection.makeRare().blame = undefined
}

/**
 * Node calls `listenerCount` before it emits a CONNECT or an unknown expectation. Our two listeners are added at that moment, since the application
 * may have removed all listeners. Checking for them with each connection would cost more.
 */
function addDefaultListenersWhenAsked(server: AttachableServer): void {
  const own: AttachableServer['listenerCount'] | undefined = Object.getOwnPropertyDescriptor(server, 'listenerCount')?.value
  const prototype: AttachableServer = Object.getPrototypeOf(server)
  define(server, 'listenerCount', (...args: Parameters<AttachableServer['listenerCount']>): unknown => {
    if (args[0] === 'checkExpectation' || args[0] === 'connect') addDefaultListeners(server)
    return Reflect.apply(own ?? prototype.listenerCount, server, args)
  })
  addDefaultListeners(server)
}

function addDefaultListeners(server: AttachableServer): void {
  if (server.listeners('checkExpectation').length === 0) server.on('checkExpectation', failExpectation)
  // Without a listener Node destroys the socket of a CONNECT, and the answers before it.
  if (server.listeners('connect').length === 0) server.on('connect', leaveToArrival)
}

function failExpectation(this: AttachableServer, _req: IncomingMessage, res: ServerResponse): void {
  if (hasOthers(this, 'checkExpectation', failExpectation)) return
  res.writeHead(417).end()
}

function leaveToArrival(this: AttachableServer, _req: unknown, socket: Socket | Http2ServerResponse): void {
  if (!(socket instanceof Socket)) {
    // CONNECT over HTTP/2, without another listener: answered as Node would, unless a 'stream' listener has answered it.
    if (!hasOthers(this, 'connect', leaveToArrival) && !socket.headersSent) socket.writeHead(405).end()
    return
  }
  // A connection from before attach(): Node would do the same.
  if (connectionOf(socket) === undefined && !hasOthers(this, 'connect', leaveToArrival)) socket.destroy()
}

/** Whether there is another listener than ours. */
function hasOthers(server: AttachableServer, event: string, ours: unknown): boolean {
  return server.listeners(event).some((listener) => listener !== ours)
}

function isSession(value: unknown): value is ServerHttp2Session {
  return typeof value === 'object' && value !== null && 'goaway' in value
}

function isStream(value: unknown): value is ServerHttp2Stream {
  return typeof value === 'object' && value !== null && 'respond' in value && 'session' in value
}

function isRequest(value: unknown): value is AnyRequest {
  return typeof value === 'object' && value !== null && 'url' in value && 'method' in value
}

function isAnswerable(value: unknown): value is AnyResponse {
  return typeof value === 'object' && value !== null && 'writeHead' in value && 'end' in value
}
