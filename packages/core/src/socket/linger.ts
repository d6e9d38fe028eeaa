import type { Socket } from 'node:net'
import { type Linked, List } from '../node/linked-list.js'
import { readRaw } from '../node/parser.js'
import { bytesTaken } from '../node/socket-handle.js'
import type { Timer, Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import { beginPatience, goOn, isOver, type Patience } from './stalled-reader.js'
import { Unacknowledged } from './unacknowledged-bytes.js'

/** Bytes per second at which a peer takes what is still on its way to it, at least. */
const RATE = 240

/** What lingers: a connection or a session. */
export interface Lingers<C> {
  readonly socket: Socket
  readonly raw: Socket | undefined
  linger: Linger<C> | undefined
}

/** How it lingers. */
export interface Linger<C> extends Linked<Linger<C>> {
  readonly connection: C
  /** The application reads on. */
  isRead: boolean
  /** The parser still has the input. */
  parsed: boolean
  /** When it was first looked at, within a period of when it began: most are over before, and reading the clock costs them more than the rest. */
  since: number | undefined
  readonly quiet: number
  lastProgress: number
  discarded: number
  /** Bytes handed to the kernel when it was last looked at: while this grows, the peer reads. */
  flushed: number | undefined
  /** Asked for where a bound is reached: what is still on its way to the peer, and would be lost to it by a reset. */
  patience: Patience | undefined
}

/**
 * The second half of the output-first close (RFC 9112 §9.6): our output is shut; what the peer still sends is read and thrown
 * away until it ends as well, or until a bound is reached: closing earlier would make the kernel answer its bytes with a reset,
 * and that wipes out the response the peer has not read yet. One timer serves all.
 */
export class Lingering<C extends Lingers<C>> {
  readonly #bounds: Policy['linger']
  readonly #letGo: (connection: C) => void
  readonly #open = new List<Linger<C>>()
  readonly #timers: Timers
  #timer: Timer | undefined

  /** `letGo`: destroys the socket. */
  constructor(bounds: Policy['linger'], timers: Timers, letGo: (connection: C) => void) {
    this.#bounds = bounds
    this.#timers = timers
    this.#letGo = (connection) => {
      this.delete(connection)
      letGo(connection)
    }
  }

  /**
   * `quiet`: the silence granted to this one, at most the option's. `reader`: the application still reads a request body, so the
   * parser stays; its bytes are counted by the body. `unread`: input is under way that nobody reads. Otherwise the parser has the input for a
   * moment longer: most clients close as soon as they are told, and taking it away from the parser costs more than the rest.
   */
  add(connection: C, quiet: number, reader: NodeJS.EventEmitter | undefined, unread: boolean): void {
    const linger: Linger<C> = {
      older: undefined,
      newer: undefined,
      connection,
      isRead: reader !== undefined,
      parsed: reader === undefined,
      since: undefined,
      quiet: Math.min(quiet, this.#bounds.quiet),
      lastProgress: Number.POSITIVE_INFINITY,
      discarded: 0,
      flushed: undefined,
      patience: undefined,
    }
    connection.linger = linger
    this.#open.add(linger)
    if (reader) reader.on('data', (chunk: Buffer) => this.discard(connection, chunk))
    else if (unread) this.takeRaw(connection)
    if (this.#open.size > this.#bounds.connections) this.#letOldestGo()
    this.#timer ??= this.#timers.every(this.#period(), () => this.#sweep(), { unref: true })
  }

  /** Not at once, nor in the next tick: the parser may be amid a chunk, and would stop reading at a body that nobody takes. */
  takeRaw(connection: C): void {
    if (connection.linger !== undefined) {
      connection.linger.parsed = false
      connection.linger.isRead = false
    }
    const read = () => {
      if (!connection.socket.destroyed) readRaw(connection.socket, (chunk) => this.discard(connection, chunk))
    }
    setImmediate(() => this.#timers.act(read))
  }

  delete(connection: C): void {
    if (connection.linger === undefined) return
    this.#open.delete(connection.linger)
    connection.linger = undefined
  }

  discard(connection: C, chunk: Uint8Array): void {
    const { linger } = connection
    if (linger === undefined) return
    linger.discarded += chunk.byteLength
    linger.lastProgress = this.#timers.now
    if (linger.discarded > this.#bounds.bytes) this.#letGo(connection)
  }

  #sweep(): void {
    if (this.#open.size === 0) {
      this.#timer?.stop()
      this.#timer = undefined
      return
    }
    const { now } = this.#timers
    const queues = new Unacknowledged()
    for (const linger of this.#open) {
      const { connection } = linger
      if (linger.parsed) this.takeRaw(connection)
      linger.since ??= now
      // Bytes that were read before it was known that the process had stood still are not ahead of their time.
      linger.lastProgress = Math.min(linger.lastProgress, now)
      const flushed = bytesTaken(connection)
      const progress = flushed !== linger.flushed
      if (progress) {
        linger.flushed = flushed
        linger.lastProgress = now
      }
      const quiet = !progress && now - linger.lastProgress >= linger.quiet
      if (!quiet && now - linger.since < this.#bounds.total) continue
      if (!this.#stillTakes(linger, queues, now)) this.#letGo(connection)
    }
  }

  /** The kernel may have all of a response that a slow link takes half a minute for. */
  #stillTakes(linger: Linger<C>, queues: Unacknowledged, now: number): boolean {
    const taken = queues.takenBy(linger.connection)
    if (taken.peer === undefined || taken.peer >= taken.kernel) return false
    linger.patience = linger.patience === undefined ? beginPatience(taken, now) : goOn(linger.patience, taken, now, RATE)
    return !isOver(linger.patience, now)
  }

  #letOldestGo(): void {
    const { oldest } = this.#open
    if (oldest !== undefined) this.#letGo(oldest.connection)
  }

  #period(): number {
    return Math.max(20, Math.min(250, this.#bounds.quiet / 4, this.#bounds.total / 4))
  }
}
