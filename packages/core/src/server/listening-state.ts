import { Server as NetServer, type Socket } from 'node:net'
import { isolated } from '../events/events.js'
import type { AttachableServer } from '../node/attachable-server.js'
import { pauseNewConnections } from '../node/server-fields.js'
import type { Timer, Timers } from '../node/timers.js'

/** A server's listener: how it listens, whether it ever did, and whether it has closed. */
export class ListeningState {
  /** It listens on a descriptor that it was given (by systemd or a parent process): other processes may accept from the same queue. */
  isShared = false
  /** It listens on a path: the connections have no addresses. */
  isOnPath = false
  /** It has listened at least once. */
  hasListened: boolean
  /** listen() was called after the drain. */
  isAnew = false
  /** The server has got connections that it did not accept: other code listens, and passes them on by `server.emit('connection', socket)`. */
  hasInjectedConnections = false
  /** Closes only the listener: Node's method, or one of other code that replaced it. */
  close: () => void
  /** That call is under way. */
  isClosing = false
  /** Whether the server's next 'close' event is to be hidden, since halfclose causes it. */
  mutesClose = false
  /** New connections that wait, unread, until it has closed. */
  waiting: Socket[] | undefined
  readonly #server: AttachableServer
  readonly #timers: Timers
  /** The application made the server with `pauseOnConnect`. */
  #pausesAlways = false
  #hasClosed = false
  #keepsAddress = false
  #onClosed: (() => void) | undefined

  constructor(server: AttachableServer, timers: Timers) {
    this.#server = server
    this.#timers = timers
    this.hasListened = server.listening
    this.close = () => void NetServer.prototype.close.call(server)
  }

  /** Whether the server's 'close' event has been emitted, or is being emitted. */
  get hasClosed(): boolean {
    return this.#hasClosed
  }

  /** It has begun to listen. */
  began(): void {
    this.hasListened = true
    this.isOnPath = typeof this.#server.address() === 'string'
  }

  /**
   * From here on new connections wait. libuv accepts one in each turn of the loop, and a busy server needs many milliseconds for a turn: it would take its accept queue
   * for seconds, while the kernel turns clients away.
   */
  makeWait(): void {
    this.waiting = []
    this.#pausesAlways = pauseNewConnections(this.#server, true)
  }

  /** Those that have waited come to the server as if they had just been accepted: a listener that throws for one of them costs none of the others. */
  endWait(): void {
    const sockets = this.waiting ?? []
    this.waiting = undefined
    pauseNewConnections(this.#server, this.#pausesAlways)
    for (const socket of sockets) {
      isolated(() => this.#server.emit('connection', socket))
      if (!socket.destroyed && !this.#pausesAlways) socket.resume()
    }
  }

  /**
   * Closes a listener that has begun after its server was closed. Its address stays known: code that was just told that the server listens may ask for it, and Fastify
   * does, after it has looked up `localhost`.
   */
  closeLate(): void {
    const address = this.#server.address()
    this.close()
    Object.defineProperty(this.#server, 'address', { value: () => address, writable: true, configurable: true })
    this.#keepsAddress = true
  }

  /** It listens again after the drain. */
  revive(): void {
    if (this.#keepsAddress) Reflect.deleteProperty(this.#server, 'address')
    this.#keepsAddress = false
    this.isAnew = false
    this.mutesClose = false
    this.#hasClosed = false
  }

  /** The server's 'close' event is being emitted. */
  closed(): void {
    this.#hasClosed = true
    this.#onClosed?.()
  }

  /** Waits for the server's 'close' event. Resolves to whether it came in time. */
  async closedWithin(ms: number): Promise<boolean> {
    if (this.#hasClosed) return true
    let timer: Timer | undefined
    await new Promise<void>((resolve) => {
      this.#onClosed = resolve
      timer = this.#timers.after(ms, resolve)
    })
    timer?.stop()
    return this.#hasClosed
  }
}
