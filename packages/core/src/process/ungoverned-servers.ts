import type { IncomingMessage, ServerResponse } from 'node:http'
import { listenAddress } from '../events/listen-address.js'
import type { WatchRequests } from '../http/messages.js'
import { queueMicrotask } from '../node/real-timers.js'
import { isAttachable } from '../node/server-kinds.js'
import type { AttachableServer } from '../types.js'

/** The application on whose behalf {@link UngovernedServers} are watched. */
export interface ApplicationHost {
  isGoverned(server: AttachableServer): boolean
  /** Whether listening servers are to be {@link UngovernedServers.kept}. */
  remembersThem(): boolean
  /**
   * A request has reached the application through an ungoverned server, which is therefore the application's server. Returns whether the request was answered.
   */
  recognised(server: AttachableServer, req: IncomingMessage, res: ServerResponse): boolean
  /** A request has reached the application through a governed server. */
  reachedThrough(server: AttachableServer): void
  /** A {@link UngovernedServers.kept} server listens. */
  serverListens(): void
  /** No such server listens any more. */
  noServerListens(): void
}

/**
 * How many requests are checked after an ungoverned server began to listen. If that server is the application's, one of these requests has come
 * through it by then. If it belongs to other code (metrics, another application), checking every request for ever would be in vain.
 */
const CHECKS = 100

export const NOT_GOVERNED = 'HALFCLOSE_SERVER_NOT_GOVERNED'
const WHY = "socket.io, a function or another Express app stands in the app's place among its 'request' listeners"
const REMEDY =
  'Write `connections.attach(server)` before `server.listen()`; `connections` is what `halfclose(app)` returns, or `app.halfclose`'

/**
 * The warning that a request came through such a server. `directly`: the server calls the application itself; it listened before halfclose could see
 * that, or not at all.
 */
export function recognisedMessage(server: AttachableServer, directly: boolean): string {
  if (directly) {
    const missed = server.listening
      ? `the app's server on ${listenAddress(server.address())} listened before \`halfclose(app)\` was called`
      : "the app's server does not listen itself: other code passes connections on to it"
    const right = server.listening ? 'Call `halfclose(app)` before `app.listen()`' : REMEDY
    return `halfclose: ${missed}. It is governed from now on, and was not before. ${right}`
  }
  return (
    `halfclose: the server on ${listenAddress(server.address())} calls the app, but not directly: ${WHY}. ` +
    `It is governed from now on, and was not before. ${REMEDY}`
  )
}

/** The warning that such a server is drained on a signal, although no request came through it. */
export function attachedForDrainMessage(server: AttachableServer, reason: string): string {
  return (
    `halfclose: ${reason}, and no server is known as the app's. The one on ${listenAddress(server.address())} is drained, but its connections so far ` +
    `are not governed. If it is the app's, then ${WHY}. ${REMEDY}`
  )
}

/** The warning that another handle governs the server: one of `attach`, or that of `--import @halfclose/core/register`. */
export function elsewhereMessage(byRegister: boolean): string {
  const [whose, remedy] = byRegister
    ? [
        'is governed by --import @halfclose/core/register',
        'Write `halfclose(app, options).attach(server)` before `server.listen()`',
      ]
    : ['was attached by `attach(server)` of @halfclose/core', 'Write `halfclose(app, options).attach(server)` instead']
  return (
    `halfclose: the app's server ${whose}, whose options govern it. Of the options of ` +
    `\`halfclose(app)\` only \`signals\` and \`onDrained\` reach it. ${remedy}`
  )
}

/**
 * Servers of the process that listen without a policy. Most have nothing to do with the application, but one may be its own: socket.io removes the
 * application from the server's `request` listeners and calls it from its own; other code wraps it in a function. A server does not show that. A
 * request that reaches the application through it does.
 */
export class UngovernedServers {
  readonly #host: ApplicationHost
  readonly #watchRequests: WatchRequests | undefined
  /** The options with which they listen. */
  readonly #listens = new WeakMap<AttachableServer, unknown>()
  readonly #kept = new Set<AttachableServer>()
  /** An ungoverned server has begun to listen since the application last had a server. */
  #listened = false
  #checksLeft = 0
  #stopLooking: (() => void) | undefined

  constructor(host: ApplicationHost, watchRequests: WatchRequests | undefined) {
    this.#host = host
    this.#watchRequests = watchRequests
  }

  /** Those that listen, if the host keeps them. */
  get kept(): readonly AttachableServer[] {
    return [...this.#kept]
  }

  listenOptions(server: AttachableServer): unknown {
    return this.#listens.get(server)
  }

  /** A server that does not call the application directly is about to listen. */
  add(server: AttachableServer, listening: unknown): void {
    this.#listens.set(server, listening)
    // It may be attached within this tick: by another application that is told of it after us, or by hand, after its listen().
    queueMicrotask(() => {
      if (this.#host.isGoverned(server)) return
      this.#listened = true
      this.look()
      if (!this.#host.remembersThem()) return
      // Every application of the process, a dozen in a test, waits for the same server: these listeners are no leak.
      const most = server.getMaxListeners()
      if (most > 0) server.setMaxListeners(most + 1)
      if (server.listening) this.#keep(server)
      else server.once('listening', () => this.#keep(server))
    })
  }

  /** The host does not keep them any more. */
  forgetKept(): void {
    this.#kept.clear()
  }

  #keep(server: AttachableServer): void {
    if (this.#host.isGoverned(server) || !this.#host.remembersThem()) return
    this.#kept.add(server)
    server.once('close', () => {
      if (this.#kept.delete(server) && this.#kept.size === 0) this.#host.noServerListens()
    })
    this.#host.serverListens()
  }

  /** The application has a server, so only servers that listened meanwhile are looked for. */
  stopLookingAhead(): void {
    if (this.#listened) return
    this.#stopLooking?.()
    this.#stopLooking = undefined
  }

  /** Checks the next requests of the application, to find the servers through which they come. */
  look(): void {
    this.#checksLeft = CHECKS
    this.#stopLooking ??= this.#watchRequests?.((req, res) => {
      // An injected request (light-my-request) has no server.
      const server: unknown = Reflect.get(req.socket ?? {}, 'server')
      if (!isAttachable(server)) return false
      if (--this.#checksLeft === 0) {
        this.#stopLooking?.()
        this.#stopLooking = undefined
      }
      if (!this.#host.isGoverned(server)) return this.#host.recognised(server, req, res)
      this.#host.reachedThrough(server)
      return false
    })
  }
}
