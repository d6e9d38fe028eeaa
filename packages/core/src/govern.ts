import { Server as HttpServer, IncomingMessage, type ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import { types } from 'node:util'
import { cut } from './closing.js'
import { connectionOf } from './connection.js'
import { count } from './events.js'
import { onClientError } from './failure.js'
import { arrive, arriveUpgrade } from './gate.js'
import { closeIfQuiet, expire } from './idle.js'
import { isShared, type Site } from './site.js'
import type { AttachableServer, Policy } from './types.js'

/** What the handle does when somebody closes a governed server. */
export interface Governor {
  /** Drains the server; resolves when it has closed. */
  close(site: Site): Promise<unknown>
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
  const own: unknown = Object.getOwnPropertyDescriptor(server, 'emit')?.value
  return (event, args) => {
    const emit: unknown = typeof own === 'function' ? own : Object.getPrototypeOf(server).emit
    return typeof emit === 'function' && Reflect.apply(emit, server, [event, ...args]) === true
  }
}

/** Puts a site's policy on its server. */
export function govern(site: Site, governor: Governor): void {
  const { server } = site
  const secure = server instanceof TlsServer
  site.requireHost = Reflect.get(server, 'requireHostHeader') !== false
  // The gate answers a missing Host and an unknown expectation in their turn; Node would do it at once, past the gate.
  Reflect.set(server, 'requireHostHeader', false)
  server.on('checkExpectation', failExpectation)
  // Without a listener Node destroys a CONNECT's socket, and with it the answers before it.
  server.on('connect', leaveToGate)
  let written = impose(site)

  const admit = (socket: unknown, raw: Socket | undefined) => {
    if (!(socket instanceof Socket) || (!secure && site.turnsAway(socket))) return
    const { keepAliveTimeout, maxRequestsPerSocket } = server
    if (keepAliveTimeout !== written || (maxRequestsPerSocket ?? 0) !== 0) {
      // `const server = app.listen(); server.keepAliveTimeout = 65_000`: the usual order.
      if (keepAliveTimeout !== written) site.inherited = { ...site.inherited, keepAliveTimeout }
      if ((maxRequestsPerSocket ?? 0) !== 0) site.inherited = { ...site.inherited, maxRequestsPerSocket }
      site.policy = governor.policyFor(site)
      written = impose(site)
    }
    site.admit(socket, raw)
  }

  const emit = (event: string, ...args: unknown[]): boolean => {
    const [first, second] = args
    switch (event) {
      case 'request':
      case 'checkContinue':
      case 'checkExpectation':
        if (first instanceof IncomingMessage && isResponse(second)) return arrive(site, event, first, second)
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
        if (!secure) break
        if (first instanceof Socket && site.turnsAway(first)) return true
        if (first instanceof Socket) site.handshakes.begin(first, () => site.run?.check())
        return site.forward(event, args)
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
    const heard = site.forward(event, args)
    if (event === (secure ? 'secureConnection' : 'connection')) {
      admit(first, secure && first instanceof Socket ? site.handshakes.finish(first) : undefined)
    }
    return heard
  }

  const listen = (...args: unknown[]): unknown => {
    site.sharesListener = isShared(args[0])
    // A listen() that was under way when the drain ended is none.
    site.listensAnew = site.phase === 'drained'
    return Reflect.apply(Object.getPrototypeOf(server).listen, server, args)
  }

  const close = (callback?: unknown): AttachableServer => {
    if (site.phase === 'serving' && !server.listening) {
      // Never listened: Node's own error reaches the callback.
      Reflect.apply(HttpServer.prototype.close, server, [callback])
      return server
    }
    const done = () => {
      if (typeof callback === 'function') process.nextTick(callback)
    }
    governor.close(site).then(done, done)
    return server
  }

  const closeIdleConnections = (): void => {
    for (const connection of [...site.registry])
      if (connection.phase === 'idle') closeIfQuiet(connection, 'handler', 'close-idle')
  }

  const closeAllConnections = (): void => {
    for (const connection of [...site.registry]) {
      if (connection.state === 'idle' && performance.now() < connection.promiseUntil)
        count(site.counts.promisesBroken, 'close-all')
      cut(connection, 'handler')
    }
    site.handshakes.destroyWhere(() => true)
    HttpServer.prototype.closeAllConnections.call(server)
  }

  define(server, 'emit', emit)
  define(server, 'listen', listen)
  define(server, 'close', close)
  define(server, 'closeIdleConnections', closeIdleConnections)
  define(server, 'closeAllConnections', closeAllConnections)
  define(server, Symbol.asyncDispose, async () => {
    await governor.close(site)
  })
}

/** What Node itself must know of the policy. Returns the `keepAliveTimeout` that was written. */
function impose({ server, policy }: Site): number {
  Reflect.set(server, 'httpAllowHalfOpen', policy.halfClosed > 0)
  // Node would announce the limit, leave the socket open and answer 503 to what follows; we count ourselves.
  server.maxRequestsPerSocket = 0
  if (policy.keepAlive === false) return server.keepAliveTimeout
  const { timeout, hold } = policy.keepAlive
  // Node arms its idle timer with the sum, and only where the first is not 0. Node 20 knows no buffer.
  server.keepAliveTimeout = timeout > 0 ? timeout : hold
  if ('keepAliveTimeoutBuffer' in server) Reflect.set(server, 'keepAliveTimeoutBuffer', hold - server.keepAliveTimeout)
  return server.keepAliveTimeout
}

/**
 * A socket's timer fired. Between two requests it is the policy's; everything else (`server.setTimeout`, Fastify's
 * `connectionTimeout`) goes on as if nobody listened here.
 */
function onTimeout(site: Site, socket: Socket): boolean {
  const connection = connectionOf(socket)
  if (connection?.phase === 'idle') {
    expire(connection)
    return true
  }
  if (connection?.phase === 'lingering') return true
  const heard = site.forward('timeout', [socket])
  if (!heard && connection !== undefined) connection.blame = 'timeout'
  return heard
}

function failExpectation(this: AttachableServer, _req: IncomingMessage, res: ServerResponse): void {
  if (this.listenerCount('checkExpectation') > 1) return
  res.writeHead(417).end()
}

function leaveToGate(this: AttachableServer, _req: IncomingMessage, socket: Socket): void {
  // A connection from before attach(): what Node would do.
  if (connectionOf(socket) === undefined && this.listenerCount('connect') <= 1) socket.destroy()
}

function isResponse(value: unknown): value is ServerResponse {
  return typeof value === 'object' && value !== null && 'writeHead' in value && 'req' in value
}

function define(target: object, name: string | symbol, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false })
}
