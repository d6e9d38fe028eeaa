import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIPv6 } from 'node:net'
import type { WatchRequests } from '../http/messages.js'
import { isAttachable } from '../node/server-kinds.js'
import type { AttachableServer } from '../types.js'

/** Who wants to know of {@link Strangers}. */
export interface Host {
  isGoverned(server: AttachableServer): boolean
  /** Whether those that listen are to be {@link Strangers.kept}. */
  keepsThem(): boolean
  /** A request has come to the application through a stranger, so that it is none; true: the request was answered. */
  unmasked(server: AttachableServer, req: IncomingMessage, res: ServerResponse): boolean
  /** A request has come to the application through a server that is governed. */
  seen(server: AttachableServer): void
  /** One of those that are {@link Strangers.kept} listens. */
  appeared(): void
  /** None of them listens any more. */
  vanished(): void
}

/**
 * How many requests are looked at after a server began to listen that nobody governs. By then one of them came through it, if it is the
 * application's; if it is somebody else's (metrics, another application), looking at every request for ever would be in vain.
 */
const LOOKS = 100

export const NOT_GOVERNED = 'HALFCLOSE_SERVER_NOT_GOVERNED'
const WHY = "socket.io, or a function, stands in the app's place among its 'request' listeners"
const REMEDY = 'Write `connections.attach(server)` before `server.listen()`; `connections` is what `halfclose(app)` returns'

/** A request came to the application through it. `directly`: it calls the application itself, and listened before anybody saw it, or not at all. */
export function unmaskedMessage(server: AttachableServer, directly: boolean): string {
  if (directly) {
    const missed = server.listening
      ? `the app's server on ${addressOf(server)} listened before \`halfclose(app)\` was called`
      : "the app's server does not listen itself: others pass their connections on to it"
    const right = server.listening ? 'Call `halfclose(app)` before `app.listen()`' : REMEDY
    return `halfclose: ${missed}. It is governed from now on, and was not before. ${right}`
  }
  return (
    `halfclose: the server on ${addressOf(server)} calls the app, but not directly: ${WHY}. ` +
    `It is governed from now on, and was not before. ${REMEDY}`
  )
}

/** It is drained on a signal, though none came. */
export function takenMessage(server: AttachableServer, reason: string): string {
  return (
    `halfclose: ${reason}, and no server is known as the app's. The one on ${addressOf(server)} is drained, but its connections so far ` +
    `are not governed. If it is the app's, then ${WHY}. ${REMEDY}`
  )
}

/** A handle of the core governs it, or that of `--import @halfclose/core/register`. */
export function elsewhereMessage(byRegister: boolean): string {
  const [whose, remedy] = byRegister
    ? [
        'is governed by --import @halfclose/core/register',
        'Write `halfclose(app, options).attach(server)` before `server.listen()`',
      ]
    : ['was attached by `attach(server)` of @halfclose/core', 'Write `halfclose(app, options).attach(server)` instead']
  return (
    `halfclose: the app's server ${whose}, whose options govern it: of those of ` +
    `\`halfclose(app)\` only \`signals\` and \`onDrained\` reach it. ${remedy}`
  )
}

function addressOf(server: AttachableServer): string {
  const address = server.address()
  if (address === null || typeof address === 'string') return String(address)
  return `${isIPv6(address.address) ? `[${address.address}]` : address.address}:${address.port}`
}

/**
 * Servers of the process that listen and that nobody governs. Most are none of the application's business, but one may be its own after
 * all: socket.io takes the application out of the server's `request` listeners, and calls it from its own; others wrap it in a function.
 * No server can be asked for that. A request that comes to the application through one tells.
 */
export class Strangers {
  readonly #host: Host
  readonly #watchRequests: WatchRequests | undefined
  /** The options of their listen(). */
  readonly #listens = new WeakMap<AttachableServer, unknown>()
  readonly #kept = new Set<AttachableServer>()
  /** A stranger has begun to listen. */
  #listened = false
  #looks = 0
  #stopLooking: (() => void) | undefined

  constructor(host: Host, watchRequests: WatchRequests | undefined) {
    this.#host = host
    this.#watchRequests = watchRequests
  }

  /** Those that listen, while the host keeps them. */
  get kept(): readonly AttachableServer[] {
    return [...this.#kept]
  }

  listenOptions(server: AttachableServer): unknown {
    return this.#listens.get(server)
  }

  /** A server that does not call the application directly is about to listen. */
  add(server: AttachableServer, listening: unknown): void {
    if (this.#watchRequests === undefined) return
    this.#listens.set(server, listening)
    // It may be attached in the same breath: by another application that is told of it after us, or by hand, after its listen().
    queueMicrotask(() => {
      if (this.#host.isGoverned(server)) return
      this.#listened = true
      this.look()
      if (!this.#host.keepsThem()) return
      // As many applications as the process has, a dozen in a test, wait for the same server: that is no leak.
      const most = server.getMaxListeners()
      if (most > 0) server.setMaxListeners(most + 1)
      if (server.listening) this.#keep(server)
      else server.once('listening', () => this.#keep(server))
    })
  }

  /** The host keeps them no longer. */
  forgetKept(): void {
    this.#kept.clear()
  }

  #keep(server: AttachableServer): void {
    if (this.#host.isGoverned(server) || !this.#host.keepsThem()) return
    this.#kept.add(server)
    server.once('close', () => {
      if (this.#kept.delete(server) && this.#kept.size === 0) this.#host.vanished()
    })
    this.#host.appeared()
  }

  /** The application has a server: what is looked for now is others. */
  stopLookingAhead(): void {
    if (this.#listened) return
    this.#stopLooking?.()
    this.#stopLooking = undefined
  }

  /** Looks at the next requests of the application, for the servers through which they come. */
  look(): void {
    this.#looks = LOOKS
    this.#stopLooking ??= this.#watchRequests?.((req, res) => {
      // What is injected (light-my-request) has no server.
      const server: unknown = Reflect.get(req.socket ?? {}, 'server')
      if (!isAttachable(server)) return false
      if (--this.#looks === 0) {
        this.#stopLooking?.()
        this.#stopLooking = undefined
      }
      if (!this.#host.isGoverned(server)) return this.#host.unmasked(server, req, res)
      this.#host.seen(server)
      return false
    })
  }
}
