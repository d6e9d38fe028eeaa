import { cut } from './closing.js'
import type { Connection } from './connection.js'

/** The window over which a rate is taken, in ms. */
const WINDOW = 5_000
/** How often the guard looks, in ms. */
const LOOK = 1_000

interface Sample {
  readonly at: number
  readonly bytes: number
}

/**
 * Peers that neither take their response nor send their body. Only the peer's part counts: a handler that writes nothing, or does not
 * read, is waited for.
 */
export class Stalls {
  readonly #minRate: number | false
  readonly #samples = new WeakMap<Connection, Sample>()

  constructor(minRate: number | false) {
    this.#minRate = minRate
  }

  /** Whether the peer has been slower than the rate for a whole window. */
  isStalled(connection: Connection, now: number): boolean {
    if (this.#minRate === false) return false
    const bytes = bytesAwaited(connection)
    if (bytes === undefined) {
      this.#samples.delete(connection)
      return false
    }
    const sample = this.#samples.get(connection)
    if (sample !== undefined && now - sample.at < WINDOW) return false
    this.#samples.set(connection, { at: now, bytes })
    return sample !== undefined && ((bytes - sample.bytes) * 1_000) / (now - sample.at) < this.#minRate
  }
}

/** `limits.minRate`: the same outside a drain, for whoever asked for it. Returns how to stop it. */
export function guard(connections: Iterable<Connection>, minRate: number): () => void {
  const stalls = new Stalls(minRate)
  const look = () => {
    const now = performance.now()
    for (const connection of connections) if (stalls.isStalled(connection, now)) cut(connection, 'stalled')
  }
  const timer = setInterval(look, LOOK).unref()
  return () => clearInterval(timer)
}

/** How many bytes the peer has moved of what we wait for; `undefined` where we do not wait for it. */
function bytesAwaited({ phase, socket, current }: Connection): number | undefined {
  if (phase !== 'busy' || current === undefined) return undefined
  if (socket.writableLength > 0) return socket.bytesWritten - socket.writableLength
  const { req } = current
  const wanted = !req.complete && req.readableLength < req.readableHighWaterMark
  return wanted ? socket.bytesRead : undefined
}
