import type { Socket } from 'node:net'
import type { CloseReason } from '../events/types.js'
import { inBatches } from '../node/in-batches.js'
import { type Linked, List } from '../node/linked-list.js'
import { readRaw } from '../node/parser.js'
import { setImmediate } from '../node/real-timers.js'
import { bytesTaken } from '../node/socket-handle.js'
import type { Timer, Timers } from '../node/timers.js'
import type { Policy } from '../options/types.js'
import { bytesArrived } from './bytes-arrived.js'
import { beginPatience, extendPatience, isPatienceOver, type Patience } from './slow-reader.js'
import type { UnacknowledgedBytes } from './unacknowledged-bytes.js'

/** The lowest rate, in bytes per second, at which a peer still counts as taking what is on its way to it. */
const RATE = 240

/** A connection or a session. */
export interface Lingers<C> {
  readonly socket: Socket
  readonly raw: Socket | undefined
  linger: Linger<C> | undefined
  readonly ending: CloseReason | undefined
}

/** The state of a connection that lingers. */
export interface Linger<C> extends Linked<Linger<C>> {
  readonly connection: C
  /** The application still reads the request's body. */
  isRead: boolean
  /** The parser still has the input. */
  parsed: boolean
  /**
   * When the first look at it was, in the first period after it began to linger. Most end before that, and reading the clock would cost them more
   * than all else here.
   */
  since: number | undefined
  readonly quiet: number
  lastProgress: number
  discarded: number
  /** Bytes handed to the kernel and bytes arrived, at the last look: while their sum grows, the peer reads or sends. */
  moved: number | undefined
  /** Set when a bound is reached: how long the peer may still take the output that is on its way to it. A reset would destroy that output. */
  patience: Patience | undefined
}

/**
 * The second half of the output-first close (RFC 9112 §9.6). The server has ended its output; it reads and discards what the peer still sends, until
 * the peer ends its side or a bound is reached. A request that the parser still finds there is counted as dropped (http1/incoming-request.ts). If the server closed earlier, the kernel would answer that input with a reset, and a reset can delete
 * a response that the peer has not read yet. One timer serves all connections.
 */
export class Lingering<C extends Lingers<C>> {
  readonly #bounds: Policy['linger']
  readonly #destroy: (connection: C) => void
  readonly #open = new List<Linger<C>>()
  /** Those that have reached a bound: thousands may at once, where clients do not answer the end of a drain. */
  readonly #due = new Set<Linger<C>>()
  readonly #timers: Timers
  readonly #unacknowledged: UnacknowledgedBytes
  #timer: Timer | undefined

  /** `destroy` ends a connection at once. */
  constructor(bounds: Policy['linger'], timers: Timers, unacknowledged: UnacknowledgedBytes, destroy: (connection: C) => void) {
    this.#bounds = bounds
    this.#timers = timers
    this.#unacknowledged = unacknowledged
    this.#destroy = (connection) => {
      this.delete(connection)
      destroy(connection)
    }
  }

  /**
   * `quiet`: the silence granted to this connection, at most that of the option. `reader`: the application still reads a request body, so the parser
   * stays, and the bytes of the body are counted. `unread`: input is arriving that nothing reads. In all other cases the parser keeps the input for a
   * moment, because most clients close at once, and taking the input away from the parser costs more than the rest.
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
      moved: undefined,
      patience: undefined,
    }
    connection.linger = linger
    this.#open.add(linger)
    if (reader) reader.on('data', (chunk: Buffer) => this.discard(connection, chunk))
    else if (unread) this.takeRaw(connection)
    if (this.#open.size > this.#bounds.connections) this.#destroyOldest()
    this.#timer ??= this.#timers.every(this.#period(), () => this.#sweep(), { unref: true })
  }

  /** Called neither at once nor in the next tick: the parser may be in the middle of a chunk, and would stop at a body that nothing reads. */
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
    if (linger.discarded > this.#bounds.bytes) this.#destroy(connection)
  }

  #sweep(): void {
    if (this.#open.size === 0) {
      this.#timer?.stop()
      this.#timer = undefined
      return
    }
    if (this.#due.size > 0) return
    const { now } = this.#timers
    for (const linger of this.#open) {
      const { connection } = linger
      if (linger.parsed) this.takeRaw(connection)
      linger.since ??= now
      // The process may have stood still without knowing it yet, so a read may bear a later time than now.
      linger.lastProgress = Math.min(linger.lastProgress, now)
      const moved = bytesTaken(connection) + bytesArrived(connection)
      const progress = moved !== linger.moved
      if (progress) {
        linger.moved = moved
        linger.lastProgress = now
      }
      const quiet = !progress && now - linger.lastProgress >= linger.quiet
      if (!quiet && now - linger.since < this.#bounds.total) continue
      this.#due.add(linger)
    }
    for (const { connection } of this.#due) {
      this.#unacknowledged.prepare(connection, this.#endAllDue)
      return
    }
  }

  readonly #endAllDue = (): void => inBatches(this.#due, (linger) => this.#timers.act(() => this.#endDue(linger)))

  #endDue(linger: Linger<C>): void {
    if (linger.connection.linger === linger && !this.#stillTakes(linger, this.#timers.now)) this.#destroy(linger.connection)
  }

  /** The kernel may hold all of a response for which a slow client needs half a minute. */
  #stillTakes(linger: Linger<C>, now: number): boolean {
    // It was cut since it takes nothing.
    if (linger.connection.ending === 'stalled') return false
    const taken = this.#unacknowledged.takenBy(linger.connection)
    if (taken.peer === undefined || taken.peer >= taken.kernel) return false
    linger.patience =
      linger.patience === undefined ? beginPatience(taken, now) : extendPatience(linger.patience, taken, now, RATE)
    return !isPatienceOver(linger.patience, now)
  }

  #destroyOldest(): void {
    const { oldest } = this.#open
    if (oldest !== undefined) this.#destroy(oldest.connection)
  }

  #period(): number {
    return Math.max(20, Math.min(250, this.#bounds.quiet / 4, this.#bounds.total / 4))
  }
}
