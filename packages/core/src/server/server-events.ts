import { EventEmitter } from 'node:events'
import { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerResponse, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { types } from 'node:util'
import type { AnyRequest, AnyResponse } from '../http/messages.js'
import { onClientError } from '../http1/client-error.js'
import { connectionOf } from '../http1/connection-of.js'
import { arrive, arriveUpgrade } from '../http1/incoming-request.js'
import { heedClose } from '../http2/close-field.js'
import { sessionOf } from '../http2/session.js'
import { arriveStream } from '../http2/streams.js'
import type { AttachableServer } from '../node/server-kinds.js'
import { isHttp2, isSecure, speaksHttp1 } from '../node/server-kinds.js'
import { belowTls, rawBelowTls } from '../node/socket-handle.js'
import type { Policy } from '../options/types.js'
import { Handshakes } from '../socket/tls-handshakes.js'
import type { Site } from './governed-server.js'
import { follow, impose } from './node-settings.js'
import { type Closer, define, takeOverMethods } from './server-methods.js'
import { boundHalfClosed } from './unseen-connections.js'

/** What the handle does when something is done with a governed server. */
export interface Governor extends Closer {
  /** A server that does not listen has got its first connection. */
  fed(site: Site): void
  /** A drained server listens again. */
  relisten(site: Site): void
  /** The server's defaults were changed after it was attached: the policy that follows from them now. */
  policyFor(site: Site): Policy
}

/**
 * How a server's events reach us: its `emit`, so that hijacked replies, 404s, errors and upgrades cannot escape the policy. An own
 * `emit` that somebody installed before is kept; otherwise the prototype's is looked up at call time, so that wrappers installed
 * later (APM) still run.
 */
export function forwarder(server: AttachableServer): Site['forward'] {
  const emitOf = emitter(server)
  return (event, args) => Reflect.apply(emitOf(), server, [event, ...args]) === true
}

/** The same for requests. */
export function requestForwarder(server: AttachableServer): Site['forwardRequest'] {
  const emitOf = emitter(server)
  return (event, req, res) => {
    const emit = emitOf()
    return emit === nodeEmit ? nodeEmit.call(server, event, req, res) : emit.call(server, event, req, res) === true
  }
}

/** The same for a connection. */
export function connectionForwarder(server: AttachableServer): Site['forwardConnection'] {
  const emitOf = emitter(server)
  return (socket) => {
    const emit = emitOf()
    return emit === nodeEmit ? nodeEmit.call(server, 'connection', socket) : emit.call(server, 'connection', socket) === true
  }
}

/** Node's own, which V8 compiles in place where it is called by this name. */
const nodeEmit = EventEmitter.prototype.emit

function emitter(server: AttachableServer): () => AttachableServer['emit'] {
  const own: AttachableServer['emit'] | undefined = Object.getOwnPropertyDescriptor(server, 'emit')?.value
  if (own !== undefined) return () => own
  const prototype: AttachableServer = Object.getPrototypeOf(server)
  return () => prototype.emit
}

/** Puts a site's policy on its server. */
export function govern(site: Site, governor: Governor): void {
  const { server } = site
  const secure = isSecure(server)
  const http2 = isHttp2(server)
  const isPlain = !secure && !http2
  site.requireHost = Reflect.get(server, 'requireHostHeader') !== false
  // The gate answers a missing Host and an unknown expectation in their turn; Node would do it at once, past the gate.
  Reflect.set(server, 'requireHostHeader', false)
  standWhenAsked(server)
  site.takesTunnels = () => hasOthers(server, 'connect', leaveToGate)
  impose(site)
  site.follow = () => follow(site, governor.policyFor)

  /** Node says in a later event, but within this one, that it has begun a session on the socket. */
  let arriving: { readonly socket: Socket; readonly raw: Socket | undefined } | undefined
  /** `args`: those of the event, where there are more than the socket. */
  const connect = (event: 'connection' | 'secureConnection', socket: Socket, args?: readonly unknown[]): boolean => {
    site.follow()
    const below = belowTls(socket)
    if (below !== undefined) Handshakes.finish(below)
    const raw = below && rawBelowTls(socket)
    if (!site.listened && !site.isFed) {
      site.isFed = true
      governor.fed(site)
    }
    if (!http2) {
      const heard = args === undefined ? site.forwardConnection(socket) : site.forward(event, args)
      if (secure || !site.turnsAway(socket)) site.admit(socket, raw)
      return heard
    }
    const before = connectionOf(socket)
    arriving = { socket, raw }
    const heard = site.forward(event, args ?? [socket])
    arriving = undefined
    // A listener may have passed it on to another server of ours ('unknownProtocol'), whose connection it is then.
    if (sessionOf(socket) !== undefined || connectionOf(socket) !== before) return heard
    if (speaksHttp1(server) && !speaksHttp2(socket)) site.admit(socket, raw)
    else site.admitForeign(socket, raw)
    return heard
  }

  /** Not by a rest parameter: that is an array for every request. */
  function emit(event: string, first?: unknown, second?: unknown): boolean {
    if (event === 'request' && first instanceof IncomingMessage && second instanceof ServerResponse) {
      site.follow()
      return arrive(site, event, first, second)
    }
    // biome-ignore lint/complexity/noArguments: a rest parameter would be an array for every request
    if (isPlain && event === 'connection' && first instanceof Socket && arguments.length === 2) return connect(event, first)
    // biome-ignore lint/complexity/noArguments: a rest parameter would be an array for every request
    return Reflect.apply(emitOther, undefined, arguments)
  }

  const emitOther = (event: string, ...args: unknown[]): boolean => {
    // Not by destructuring, which iterates.
    const first = args[0]
    const second = args[1]
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        site.follow()
        if (first instanceof IncomingMessage && second instanceof ServerResponse) return arrive(site, event, first, second)
        // HTTP/2's own objects; the stream below them has passed already.
        if (isAnswerable(second)) heedClose(second)
        if (event === 'request' && isRequest(first) && isAnswerable(second) && site.intercept?.(first, second) === true) {
          site.run?.probed(Reflect.get(first, 'stream') ?? first)
          return true
        }
        break
      case 'session':
        if (arriving !== undefined && isSession(first)) site.admitSession(first, arriving.socket, arriving.raw)
        break
      case 'stream':
        if (isStream(first)) return arriveStream(site, first, args)
        break
      case 'upgrade':
      case 'connect':
        if (first instanceof IncomingMessage) return arriveUpgrade(site, event, [first, ...args.slice(1)])
        break
      case 'clientError':
        if (types.isNativeError(first) && second instanceof Socket) return onClientError(site, first, second)
        break
      case 'timeout':
        if (first instanceof Socket) return onTimeout(site, first)
        break
      case 'connection':
        if (secure) {
          if (first instanceof Duplex && !site.beginHandshake(first)) return true
        } else if (first instanceof Socket) {
          if (http2 && site.turnsAway(first)) return true
          return connect(event, first, args)
        } else if (first instanceof Duplex) boundHalfClosed(site, first)
        break
      case 'secureConnection':
        if (first instanceof Socket) return connect(event, first, args)
        break
      case 'listening': {
        const heard = site.forward(event, args)
        if (site.listensAnew) governor.relisten(site)
        else site.nowListening()
        return heard
      }
      case 'close':
        if (site.muteClose) {
          site.muteClose = false
          return false
        }
        site.nowClosed()
    }
    return site.forward(event, args)
  }

  define(server, 'emit', emit)
  site.emit = emit
  takeOverMethods(site, governor)
}

/**
 * A socket's timer fired. Between two requests it is the policy's; everything else (`server.setTimeout`, Fastify's
 * `connectionTimeout`) goes on as if nobody listened here.
 */
function onTimeout(site: Site, socket: Socket): boolean {
  const connection = connectionOf(socket)
  if (connection?.phase === 'idle') {
    site.expiry.expire(connection)
    return true
  }
  if (connection?.phase === 'lingering') return true
  const heard = site.forward('timeout', [socket])
  if (!heard && connection !== undefined) connection.makeRare().blame = 'timeout'
  return heard
}

/**
 * Node asks `listenerCount` before it emits a CONNECT or an unknown expectation: our two listeners stand on the server then, though the application may
 * have removed all. To look for them with each connection costs more.
 */
function standWhenAsked(server: AttachableServer): void {
  const own: AttachableServer['listenerCount'] | undefined = Object.getOwnPropertyDescriptor(server, 'listenerCount')?.value
  const prototype: AttachableServer = Object.getPrototypeOf(server)
  define(server, 'listenerCount', (...args: Parameters<AttachableServer['listenerCount']>): unknown => {
    if (args[0] === 'checkExpectation' || args[0] === 'connect') stand(server)
    return Reflect.apply(own ?? prototype.listenerCount, server, args)
  })
  stand(server)
}

function stand(server: AttachableServer): void {
  if (server.listeners('checkExpectation').length === 0) server.on('checkExpectation', failExpectation)
  // Without a listener Node destroys a CONNECT's socket, and with it the answers before it.
  if (server.listeners('connect').length === 0) server.on('connect', leaveToGate)
}

function failExpectation(this: AttachableServer, _req: IncomingMessage, res: ServerResponse): void {
  if (hasOthers(this, 'checkExpectation', failExpectation)) return
  res.writeHead(417).end()
}

function leaveToGate(this: AttachableServer, _req: unknown, socket: Socket | Http2ServerResponse): void {
  if (!(socket instanceof Socket)) {
    // CONNECT over HTTP/2, which nobody else listens for: what Node would answer.
    if (!hasOthers(this, 'connect', leaveToGate)) socket.writeHead(405).end()
    return
  }
  // A connection from before attach(): what Node would do.
  if (connectionOf(socket) === undefined && !hasOthers(this, 'connect', leaveToGate)) socket.destroy()
}

/** Whether anybody listens but us. */
function hasOthers(server: AttachableServer, event: string, ours: unknown): boolean {
  return server.listeners(event).some((listener) => listener !== ours)
}

function speaksHttp2(socket: Socket): boolean {
  return 'alpnProtocol' in socket && socket.alpnProtocol !== false && socket.alpnProtocol !== 'http/1.1'
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
