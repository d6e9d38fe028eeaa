import type { Socket } from 'node:net'
import { readRaw } from './node-private.js'
import type { Policy } from './types.js'

/** What is known of one lingering connection. */
interface Entry {
  /** The parser still has the input. */
  parsed: boolean
  readonly since: number
  readonly quiet: number
  lastProgress: number
  discarded: number
  /** Bytes handed to the kernel: while this grows, the peer reads. */
  flushed: number
}

/**
 * The second half of the output-first close (RFC 9112 §9.6): our output is shut; what the peer still sends is read and thrown
 * away until it ends as well, or until a bound is reached: closing earlier would make the kernel answer its bytes with a reset,
 * and that wipes out the response the peer has not read yet. One timer serves all.
 */
export class Lingering<C extends { readonly socket: Socket }> {
  readonly #bounds: Policy['linger']
  readonly #letGo: (connection: C) => void
  readonly #entries = new Map<C, Entry>()
  #timer: NodeJS.Timeout | undefined

  /** `letGo`: destroys the socket. */
  constructor(bounds: Policy['linger'], letGo: (connection: C) => void) {
    this.#bounds = bounds
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
    const now = performance.now()
    const entry = {
      parsed: reader === undefined,
      since: now,
      quiet: Math.min(quiet, this.#bounds.quiet),
      lastProgress: now,
      discarded: 0,
      flushed: flushedOf(connection),
    }
    this.#entries.set(connection, entry)
    if (reader) reader.on('data', (chunk: Buffer) => this.discard(connection, chunk))
    else if (unread) this.takeRaw(connection)
    if (this.#entries.size > this.#bounds.connections) this.#letOldestGo()
    this.#timer ??= setInterval(() => this.#sweep(), this.#period()).unref()
  }

  /** Not at once, nor in the next tick: the parser may be amid a chunk, and would stop reading at a body that nobody takes. */
  takeRaw(connection: C): void {
    const entry = this.#entries.get(connection)
    if (entry !== undefined) entry.parsed = false
    setImmediate(() => {
      if (!connection.socket.destroyed) readRaw(connection.socket, (chunk) => this.discard(connection, chunk))
    })
  }

  delete(connection: C): void {
    this.#entries.delete(connection)
  }

  discard(connection: C, chunk: Uint8Array): void {
    const entry = this.#entries.get(connection)
    if (entry === undefined) return
    entry.discarded += chunk.byteLength
    entry.lastProgress = performance.now()
    if (entry.discarded > this.#bounds.bytes) this.#letGo(connection)
  }

  #sweep(): void {
    if (this.#entries.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const now = performance.now()
    for (const [connection, entry] of this.#entries) {
      if (entry.parsed) this.takeRaw(connection)
      const flushed = flushedOf(connection)
      const progress = flushed !== entry.flushed
      if (progress) {
        entry.flushed = flushed
        entry.lastProgress = now
      }
      const quiet = !progress && now - entry.lastProgress >= entry.quiet
      if (quiet || now - entry.since >= this.#bounds.total) this.#letGo(connection)
    }
  }

  #letOldestGo(): void {
    for (const connection of this.#entries.keys()) {
      this.#letGo(connection)
      return
    }
  }

  #period(): number {
    return Math.max(20, Math.min(250, this.#bounds.quiet / 4, this.#bounds.total / 4))
  }
}

function flushedOf({ socket }: { readonly socket: Socket }): number {
  return socket.bytesWritten - socket.writableLength
}
