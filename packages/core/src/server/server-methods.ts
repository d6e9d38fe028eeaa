import { Server as HttpServer } from 'node:http'
import { Server as HttpsServer } from 'node:https'
import { Server as NetServer } from 'node:net'
import { performance } from 'node:perf_hooks'
import { HalfcloseTypeError } from '../errors/errors.js'
import { isolated } from '../events/events.js'
import { cut } from '../http1/close.js'
import { closeIfQuiet } from '../http1/idle.js'
import { noteWritten } from '../http1/response-written.js'
import { cutSession, leave } from '../http2/goaway.js'
import { directCaller } from '../node/call-site.js'
import { atOnce } from '../node/parser.js'
import type { AttachableServer } from '../node/server-kinds.js'
import { isHttp2, isShared, speaksHttp1 } from '../node/server-kinds.js'
import type { Site } from './governed-server.js'

/** What the handle does when somebody closes a governed server. */
export interface Closer {
  /** Drains the server; resolves when it has closed. */
  close(site: Site): Promise<unknown>
  /** The application is closed for good with its drain: a server that it lets listen meanwhile is closed again. */
  readonly hasOneLife: boolean
}

const STILL_DRAINING =
  'halfclose: `server.listen()` while the server drains: its old connections are being served to their end. Listen again after its ' +
  "'close' event, the callback of `server.close()`, or `await connections.drain()`; or let a new server listen meanwhile"

const CLOSED =
  'halfclose: `server.listen()` on a server of an application whose drain has begun: it closes with its drain, for good, and the server would be ' +
  'closed again. Make a new application, and let that listen'

/** What it throws is told as an error of the server, since the call has returned. */
function attempt(server: AttachableServer, listen: (...args: unknown[]) => unknown, args: readonly unknown[]): void {
  try {
    listen(...args)
  } catch (error) {
    server.emit('error', error)
  }
}

/** A method of the server, as others have put it there. */
type Method = (this: AttachableServer, ...args: readonly unknown[]) => unknown

/** Puts our methods on a server: what closes it drains it. Those that others had put there are called when what they name is done. */
export function takeOverMethods(site: Site, closer: Closer): void {
  const { server } = site
  const ownListen = ownMethod(server, 'listen')
  const ownIdle = ownMethod(server, 'closeIdleConnections')
  const ownAll = ownMethod(server, 'closeAllConnections')
  const othersClose = closeOfOthers(server)
  if (othersClose !== undefined) site.closeListener = closerBy(site, othersClose)

  const listen = (...args: unknown[]): unknown => {
    const { run } = site
    // One that has never listened may have been about to when its application was closed.
    if (run !== undefined && closer.hasOneLife && site.listened) throw new HalfcloseTypeError('HALFCLOSE_CLOSED', CLOSED)
    if (run !== undefined && site.phase !== 'drained' && !closer.hasOneLife) {
      if (!site.hasClosed) throw new HalfcloseTypeError('HALFCLOSE_STILL_DRAINING', STILL_DRAINING)
      // Called in its 'close' event: the drain ends within a moment.
      void run.done.then(() => attempt(server, listen, args))
      return server
    }
    site.sharesListener = isShared(args[0])
    // A listen() that was under way when the drain ended is none.
    site.listensAnew = site.phase === 'drained'
    return Reflect.apply(ownListen ?? Object.getPrototypeOf(server).listen, server, args)
  }

  const close = (callback?: unknown): AttachableServer => {
    if ((site.phase === 'serving' || site.listensAnew) && !server.listening) {
      // It does not listen, or does not yet: Node's own error reaches the callback.
      Reflect.apply(othersClose ?? Object.getPrototypeOf(server).close, server, [callback])
      return server
    }
    const isFirst = site.run === undefined
    const closed = closer.close(site)
    const tell = (...args: unknown[]) => {
      const done = () => {
        if (typeof callback === 'function') process.nextTick(callback, ...args)
      }
      closed.then(done, done)
    }
    // It may have put something of its own before the callback.
    if (othersClose !== undefined && isFirst && server.listening) site.closeListener = closerBy(site, othersClose, tell)
    else tell()
    return server
  }

  const closeIdleConnections = (): void => {
    // Node's own close() asks for it, where others call that.
    if (site.closesListener) return
    atOnce(() => {
      for (const connection of [...site.registry]) {
        noteWritten(connection)
        if (connection.phase === 'idle') closeIfQuiet(connection, 'handler', 'close-idle')
      }
    })
    for (const session of [...site.sessions]) if (session.state === 'idle') leave(session, 'handler')
    ownIdle?.call(server)
  }

  const closeAllConnections = (): void => {
    const place = site.run === undefined || !site.isBusy ? undefined : directCaller(closeAllConnections)
    if (place !== undefined) site.run?.cutByOthers(place)
    atOnce(() => {
      for (const connection of [...site.registry]) {
        if (connection.state === 'idle' && performance.now() < connection.promiseUntil) site.broke('close-all')
        cut(connection, 'handler')
      }
    })
    site.handshakes.destroyWhere(() => true)
    for (const session of [...site.sessions]) cutSession(session, 'handler')
    if (ownAll !== undefined) ownAll.call(server)
    else if (speaksHttp1(server)) HttpServer.prototype.closeAllConnections.call(server)
  }

  define(server, 'listen', listen)
  define(server, 'close', close)
  define(server, 'closeIdleConnections', closeIdleConnections)
  define(server, 'closeAllConnections', closeAllConnections)
  // One of its own closes the server in its own way.
  if (Object.hasOwn(server, Symbol.asyncDispose)) return
  define(server, Symbol.asyncDispose, async () => {
    await closer.close(site)
  })
}

/**
 * Closes the listener by a method of others. Node's own close below it also switches off the times for heads and requests: from then on the drain's
 * own bounds hold. `callback`: what the application gave.
 */
function closerBy(site: Site, close: Method, ...callback: readonly unknown[]): () => void {
  const { server } = site
  return () => {
    site.closesListener = true
    isolated(() => Reflect.apply(close, server, callback))
    site.closesListener = false
    site.closeListener = closerBy(site, close)
    // It may be about to call Node's own later, or never.
    if (server.listening) NetServer.prototype.close.call(server)
  }
}

/** A `close` that is not Node's: on the server itself, or of a class of the application. */
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
