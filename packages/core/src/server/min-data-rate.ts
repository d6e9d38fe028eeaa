import { readToBrokenEnd } from '../http1/fin-amid-body.js'
import { Session } from '../http2/session.js'
import { beginPatience, extendPatience, isPatienceOver, type Patience, takenOf, WINDOW } from '../socket/slow-reader.js'
import type { AnyConnection } from './any-connection.js'
import { awaitedOf } from './awaited-bytes.js'

/** The shortest time between two looks, in ms. */
export const LOOK = 500

/** What a client has moved up to the last look, and until when it has time. */
type Sample = OutputSample | InputSample

interface InputSample {
  readonly kind: 'input'
  readonly bytes: number
  /** `bytesRead` of the socket, and of the TCP socket below TLS. */
  readonly read: number
  readonly ciphertext: number
  readonly until: number
}

interface OutputSample {
  readonly kind: 'output'
  /** Bytes that our kernel has taken. */
  readonly kernel: number
  readonly at: number
  /** Set once our kernel takes less than the rate. */
  readonly patience: Patience | undefined
}

/**
 * Finds clients that neither take their response nor send their body. Only the client's part counts: a handler that writes nothing, or does not read,
 * is waited for.
 */
export class MinDataRate {
  readonly #minRate: number | false
  readonly #samples = new WeakMap<AnyConnection, Sample>()
  #lookedAt = Number.NEGATIVE_INFINITY

  constructor(minRate: number | false) {
    this.#minRate = minRate
  }

  /** The clients that have been slower than the rate for too long. It looks twice a second at most. */
  among(peers: Iterable<AnyConnection>, now: number): AnyConnection[] {
    if (this.#minRate === false || now - this.#lookedAt < LOOK) return []
    this.#lookedAt = now
    const stalled: AnyConnection[] = []
    for (const peer of peers) if (this.#isStalled(peer, now, this.#minRate)) stalled.push(peer)
    return stalled
  }

  #isStalled(peer: AnyConnection, now: number, rate: number): boolean {
    const awaited = awaitedOf(peer)
    if (awaited === undefined) {
      if (!(peer instanceof Session)) readToBrokenEnd(peer)
      this.#samples.delete(peer)
      return false
    }
    const sample = this.#samples.get(peer)
    if (awaited.kind === 'input') return this.#sendsNothing(peer, sample, awaited.bytes, now, rate)
    return this.#takesNothing(peer, sample?.kind === 'output' ? sample : undefined, awaited.bytes, now, rate)
  }

  /** While our kernel takes output at the rate, the client is reading. Only where it takes less is the client's own kernel asked. */
  #takesNothing(peer: AnyConnection, before: OutputSample | undefined, kernel: number, now: number, rate: number): boolean {
    if (before === undefined || (kernel - before.kernel) * 1_000 >= (now - before.at) * rate) {
      this.#samples.set(peer, { kind: 'output', kernel, at: now, patience: undefined })
      return false
    }
    const taken = takenOf(kernel, peer.owner.unacknowledged.of(peer))
    const patience =
      before.patience === undefined ? beginPatience(taken, before.at) : extendPatience(before.patience, taken, now, rate)
    this.#samples.set(peer, { kind: 'output', kernel, at: now, patience })
    return isPatienceOver(patience, now)
  }

  #sendsNothing(peer: AnyConnection, sample: Sample | undefined, bytes: number, now: number, rate: number): boolean {
    const read = peer.socket.bytesRead
    const ciphertext = peer.raw?.bytesRead ?? 0
    let until = now + WINDOW
    if (sample?.kind === 'input') {
      // A slow client needs many seconds for a TLS record, and until that is whole nothing of it can be decrypted.
      const sent = read === sample.read ? ciphertext - sample.ciphertext : bytes - sample.bytes
      until = Math.min(sample.until + (sent * 1_000) / rate, until)
    }
    this.#samples.set(peer, { kind: 'input', bytes, read, ciphertext, until })
    return now >= until
  }
}
