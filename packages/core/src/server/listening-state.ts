import { Server as NetServer } from 'node:net'
import type { AttachableServer } from '../node/attachable-server.js'
import type { Timer, Timers } from '../node/timers.js'

/** A server's listener: how it listens, whether it did, and whether it has closed. */
export class ListeningState {
  /** It listens on a descriptor that it was given (systemd, a parent process): others may accept from the same queue. */
  isShared = false
  /** It listens on a path: its connections have no addresses. */
  isOnPath = false
  /** It has listened at least once. */
  hasListened: boolean
  /** listen() was called after its drain. */
  isAnew = false
  /** The server has got connections that it did not accept: others listen for it, and pass them on by `server.emit('connection', socket)`. */
  isFed = false
  /** Closes the listener, and nothing else: Node's, or by a method of others that stands before it. */
  close: () => void
  /** That is under way. */
  isClosing = false
  /** The server's next 'close' event is an artefact of ours. */
  mutesClose = false
  readonly #server: AttachableServer
  readonly #timers: Timers
  #hasClosed = false
  #onClosed: (() => void) | undefined

  constructor(server: AttachableServer, timers: Timers) {
    this.#server = server
    this.#timers = timers
    this.hasListened = server.listening
    this.close = () => void NetServer.prototype.close.call(server)
  }

  /** The server's 'close' event has come, or comes now. */
  get hasClosed(): boolean {
    return this.#hasClosed
  }

  /** It listens. */
  began(): void {
    this.hasListened = true
    this.isOnPath = typeof this.#server.address() === 'string'
  }

  /** It listens again after its drain. */
  revive(): void {
    this.isAnew = false
    this.mutesClose = false
    this.#hasClosed = false
  }

  /** The server's 'close' event comes. */
  closed(): void {
    this.#hasClosed = true
    this.#onClosed?.()
  }

  /** Waits for the server's 'close' event; resolves to whether it came in time. */
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
