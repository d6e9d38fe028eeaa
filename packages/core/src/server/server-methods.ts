import { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import { Server as NetServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import { HalfcloseTypeError } from '../errors/errors.js'
import { isolated } from '../events/events.js'
import { cut } from '../http1/close.js'
import { closeIfQuiet } from '../http1/idle.js'
import { noteWritten } from '../http1/response-written.js'
import { cutSession, goAway } from '../http2/goaway.js'
import type { AttachableServer } from '../node/attachable-server.js'
import { directCaller } from '../node/call-site.js'
import { atOnce } from '../node/parser.js'
import { nextTick } from '../node/real-timers.js'
import { isHttp2, isShared, speaksHttp1 } from '../node/server-kinds.js'
import type { GovernedServer } from './governed-server.js'

// The methods of a governed server: `close` drains it, `listen` begins a new life.

/** How the handle reacts when a governed server is closed. */
export interface CloseCallbacks {
  /** Drains the server. Resolves when it has closed. */
  close(governed: GovernedServer): Promise<unknown>
  /** The application is closed for good by its drain: a server that it lets listen afterwards is closed again. */
  readonly hasOneLife: boolean
}

const STILL_DRAINING =
  'halfclose: `server.listen()` while the server drains: its old connections are being served to their end. Listen again after its ' +
  "'close' event, the callback of `server.close()`, or `await connections.drain()`; or let a new server listen meanwhile"

const CLOSED =
  'halfclose: `server.listen()` on a server of an application whose drain has begun: it closes with its drain, for good, and the server would be ' +
  'closed again. Make a new application, and let that listen'

/** Emits an error of `listen` as an error of the server, because the call has returned already. */
function listenOrEmitError(server: AttachableServer, listen: (...args: unknown[]) => unknown, args: readonly unknown[]): void {
  try {
    listen(...args)
  } catch (error) {
    server.emit('error', error)
  }
}

/** A method that other code has put on the server. */
type Method = (this: AttachableServer, ...args: readonly unknown[]) => unknown

/** Puts our methods on a server, so that closing it drains it. A method that other code had put there is called when the drain has done its part. */
export function takeOverMethods(governed: GovernedServer, callbacks: CloseCallbacks): void {
  const { server } = governed
  const othersClose = closeOfOthers(server)
  if (othersClose !== undefined) governed.listener.close = closerBy(governed, othersClose)
  define(server, 'listen', listenOf(governed, callbacks, ownMethod(server, 'listen')))
  define(server, 'close', closeOf(governed, callbacks, othersClose))
  define(server, 'closeIdleConnections', closeIdleOf(governed, ownMethod(server, 'closeIdleConnections')))
  define(server, 'closeAllConnections', closeAllOf(governed, ownMethod(server, 'closeAllConnections')))
  // A server with a method of its own closes in its own way.
  if (Object.hasOwn(server, Symbol.asyncDispose)) return
  define(server, Symbol.asyncDispose, async () => {
    await callbacks.close(governed)
  })
}

function listenOf(
  governed: GovernedServer,
  callbacks: CloseCallbacks,
  ownListen: Method | undefined,
): (...args: unknown[]) => unknown {
  const { server } = governed
  const listen = (...args: unknown[]): unknown => {
    const { drain } = governed
    // A server that has never listened may have been about to when its application was closed.
    if (drain !== undefined && callbacks.hasOneLife && governed.listener.hasListened)
      throw new HalfcloseTypeError('HALFCLOSE_CLOSED', CLOSED)
    if (drain !== undefined && governed.phase !== 'drained' && !callbacks.hasOneLife) {
      if (!governed.listener.hasClosed) throw new HalfcloseTypeError('HALFCLOSE_STILL_DRAINING', STILL_DRAINING)
      // Called in the server's 'close' event: the drain ends within a moment.
      void drain.done.then(() => listenOrEmitError(server, listen, args))
      return server
    }
    governed.listener.isShared = isShared(args[0])
    // A listen() that was under way when the drain ended is no new life.
    governed.listener.isAnew = governed.phase === 'drained'
    return Reflect.apply(ownListen ?? Object.getPrototypeOf(server).listen, server, args)
  }
  return listen
}

function closeOf(
  governed: GovernedServer,
  callbacks: CloseCallbacks,
  othersClose: Method | undefined,
): (callback?: unknown) => AttachableServer {
  const { server } = governed
  return (callback) => {
    if ((governed.phase === 'serving' || governed.listener.isAnew) && !server.listening) {
      // The server does not listen, or not yet: Node's own error reaches the callback.
      Reflect.apply(othersClose ?? Object.getPrototypeOf(server).close, server, [callback])
      return server
    }
    const isFirst = governed.drain === undefined
    const closed = callbacks.close(governed)
    const tell = (...args: unknown[]) => {
      const done = () => {
        if (typeof callback === 'function') nextTick(callback, ...args)
      }
      closed.then(done, done)
    }
    // Other code may have put an argument of its own before the callback.
    if (othersClose !== undefined && isFirst && server.listening) governed.listener.close = closerBy(governed, othersClose, tell)
    else tell()
    return server
  }
}

function closeIdleOf(governed: GovernedServer, ownIdle: Method | undefined): () => void {
  return () => {
    // Node's own close() calls this, if other code calls that.
    if (governed.listener.isClosing) return
    atOnce(() => {
      for (const connection of [...governed.connections]) {
        noteWritten(connection)
        if (connection.phase === 'idle') closeIfQuiet(connection, 'handler', 'close-idle')
      }
    })
    for (const session of [...governed.sessions]) if (session.state === 'idle') goAway(session, 'handler')
    ownIdle?.call(governed.server)
  }
}

function closeAllOf(governed: GovernedServer, ownAll: Method | undefined): () => void {
  const { server } = governed
  const closeAllConnections = (): void => {
    const place = governed.drain === undefined || !governed.isBusy ? undefined : directCaller(closeAllConnections)
    if (place !== undefined) governed.drain?.cutByOthers(place)
    atOnce(() => {
      for (const connection of [...governed.connections]) {
        if (connection.state === 'idle' && performance.now() < connection.promiseUntil) governed.promiseBroken('close-all')
        cut(connection, 'handler')
      }
    })
    governed.handshakes.destroyWhere(() => true)
    for (const session of [...governed.sessions]) cutSession(session, 'handler')
    if (ownAll !== undefined) ownAll.call(server)
    else if (speaksHttp1(server)) HttpServer.prototype.closeAllConnections.call(server)
  }
  return closeAllConnections
}

/**
 * Closes the listener by a method of other code. Node's own close below it also switches off the timeouts for heads and requests: from then on the
 * drain's bounds apply. `callback`: the arguments of the application.
 */
function closerBy(governed: GovernedServer, close: Method, ...callback: readonly unknown[]): () => void {
  const { server } = governed
  return () => {
    governed.listener.isClosing = true
    isolated(() => Reflect.apply(close, server, callback))
    governed.listener.isClosing = false
    governed.listener.close = closerBy(governed, close)
    // That method may call Node's own later, or never.
    if (server.listening) NetServer.prototype.close.call(server)
  }
}

/** A `close` that is not Node's: on the server itself, or of the application's class. */
function closeOfOthers(server: AttachableServer): Method | undefined {
  const own = ownMethod(server, 'close')
  if (own !== undefined || isHttp2(server)) return own
  const close: unknown = Reflect.get(Object.getPrototypeOf(server), 'close')
  return isMethod(close) && close !== HttpServer.prototype.close && close !== HttpsServer.prototype.close ? close : undefined
}

function ownMethod(server: AttachableServer, name: string): Method | undefined {
  const method: unknown = Object.hasOwn(server, name) ? Reflect.get(server, name) : undefined
  return isMethod(method) ? method : undefined
}

function isMethod(value: unknown): value is Method {
  return typeof value === 'function'
}

export function define(target: object, name: string | symbol, value: unknown): void {
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false })
}
