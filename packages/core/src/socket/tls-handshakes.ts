import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'
import type { Timer, Timers } from '../node/timers.js'

/** Milliseconds that a TLS handshake may take, while the process is running. Node's own bound is two minutes. */
const LONGEST = 10_000
/** How many looks there are within that time. */
const LOOKS = 10

/** What a handshake holds: a slot, or one of the few that are kept for connections that will get a refusal they can read. */
export interface HandshakeSlot {
  readonly kind: 'slot' | 'excess' | 'unlimited'
  readonly client?: string | undefined
}

/** The limits, from which handshakes get their slots. */
export interface HandshakeSlots {
  /** A handshake begins. `undefined`: there is no slot for it. */
  enterHandshake(raw: Duplex): HandshakeSlot | undefined
  /** The handshake is finished, or has ended. */
  leaveHandshake(slot: HandshakeSlot): void
}

interface Handshake {
  readonly handshakes: Handshakes
  readonly openedAt: number
  /** The same by the timers' clock, which stops while the process stands still. */
  readonly since: number
  readonly slot: HandshakeSlot
  readonly onEnd: () => void
}

const kHandshake: unique symbol = Symbol('halfclose.handshake')

interface HandshakeCarrier {
  [kHandshake]?: Handshake | undefined
}

/**
 * TLS connections whose handshake is not finished. HTTP does not know them yet, but they are counted and bounded in time, and a drain waits for them
 * no longer than for other silent connections. When one is finished, it is found by the stream below its TLS socket; an address would not do, since a
 * front that reads the PROXY protocol overrides it.
 */
export class Handshakes {
  readonly #open = new Set<Duplex & HandshakeCarrier>()
  readonly #timers: Timers
  readonly #slots: HandshakeSlots
  readonly #longest: number
  #timer: Timer | undefined

  /** `longest`: for tests. */
  constructor(timers: Timers, slots: HandshakeSlots, longest = LONGEST) {
    this.#timers = timers
    this.#slots = slots
    this.#longest = longest
  }

  get size(): number {
    return this.#open.size
  }

  /** The handshakes under way, and when they began. */
  *[Symbol.iterator](): IterableIterator<[raw: Duplex, openedAt: number]> {
    for (const raw of this.#open) yield [raw, raw[kHandshake]?.openedAt ?? 0]
  }

  /** Returns false where there is no slot for one more. */
  begin(raw: Duplex & HandshakeCarrier, onEnd: () => void): boolean {
    if (raw.destroyed) return true
    const slot = this.#slots.enterHandshake(raw)
    if (slot === undefined) return false
    this.#open.add(raw)
    raw[kHandshake] = { handshakes: this, openedAt: performance.now(), since: this.#timers.now, slot, onEnd }
    raw.once('close', () => end(raw))
    this.#timer ??= this.#timers.every(this.#longest / LOOKS, this.#look, { unref: true })
    return true
  }

  /** Destroys the handshakes for which `matches` returns true: there is no response to lose. Returns how many there were. */
  destroyWhere(matches: (openedAt: number) => boolean): number {
    return this.#destroyWhere(({ openedAt }) => matches(openedAt))
  }

  stop(): void {
    this.#timer?.stop()
    this.#timer = undefined
  }

  readonly #look = (): void => {
    if (this.#open.size === 0) this.stop()
    const { now } = this.#timers
    this.#destroyWhere(({ since }) => now - since >= this.#longest)
  }

  #destroyWhere(matches: (handshake: Handshake) => boolean): number {
    let destroyed = 0
    for (const raw of [...this.#open]) {
      const handshake = raw[kHandshake]
      // The application may have removed our listener.
      if (raw.closed) end(raw)
      else if (!raw.destroyed && handshake !== undefined && matches(handshake)) {
        destroyed++
        raw.destroy()
      }
    }
    return destroyed
  }

  /**
   * The handshake is finished, even if by another server than the one that accepted the connection; or the stream has ended. Returns whether a
   * handshake was under way.
   */
  static finish(raw: Duplex & HandshakeCarrier): boolean {
    const handshake = raw[kHandshake]
    if (handshake === undefined) return false
    raw[kHandshake] = undefined
    const { handshakes, slot } = handshake
    handshakes.#open.delete(raw)
    handshakes.#slots.leaveHandshake(slot)
    return true
  }
}

function end(raw: Duplex & HandshakeCarrier): void {
  const handshake = raw[kHandshake]
  if (Handshakes.finish(raw)) handshake?.onEnd()
}
