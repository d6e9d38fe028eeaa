import type { Connection } from '../http1/connection.js'
import { awaitedOf } from './awaited-bytes.js'

/** Bytes per second at which the slowest reader takes what our own kernel has: the real speed is not known. */
const SLOWEST = 4_000

/** What a client has taken up to the last look, and until when it has time to take more. */
interface SendSample {
  readonly kernel: number
  readonly taken: number | undefined
  readonly until: number
}

/** Finds clients that take no byte of what waits for them: `limits.stalled`. Sessions have a rule of their own ({@link StalledSessions}). */
export class SendTimeout {
  readonly #longest: number
  readonly #samples = new WeakMap<Connection, SendSample>()

  constructor(longest: number) {
    this.#longest = longest
  }

  isOver(connection: Connection, now: number): boolean {
    const awaited = awaitedOf(connection)
    const sample = this.#samples.get(connection)
    if (awaited?.kind !== 'output') {
      if (sample !== undefined) this.#samples.delete(connection)
      return false
    }
    const kernel = awaited.bytes
    if (sample === undefined || kernel !== sample.kernel) {
      const generous = sample === undefined ? 0 : ((kernel - sample.kernel) * 1_000) / SLOWEST
      this.#samples.set(connection, { kernel, taken: undefined, until: now + Math.max(this.#longest, generous) })
      return false
    }
    const { unacknowledged } = connection.owner
    if (this.#hasTaken(connection, kernel, sample, unacknowledged.of(connection), now) || now < sample.until) return false
    // The kernel's lists may be older than the bound, where reading them takes long: they are read anew before a client is cut.
    return !this.#hasTaken(connection, kernel, sample, unacknowledged.ofNow(connection), now)
  }

  /** Whether the client has taken something since the sample. Then its time begins anew. */
  #hasTaken(connection: Connection, kernel: number, sample: SendSample, waiting: number | undefined, now: number): boolean {
    const taken = waiting === undefined ? undefined : kernel - waiting
    if (taken === undefined || taken === sample.taken) return false
    const until = sample.taken === undefined ? Math.min(sample.until, now + this.#longest) : now + this.#longest
    this.#samples.set(connection, { kernel, taken, until })
    return true
  }
}
