import { performance } from 'node:perf_hooks'
import type { Duplex } from 'node:stream'

interface Handshake {
  readonly handshakes: Handshakes
  readonly openedAt: number
}

const kHandshake: unique symbol = Symbol('halfclose.handshake')

interface HandshakeCarrier {
  [kHandshake]?: Handshake | undefined
}

/**
 * TLS connections whose handshake is not finished: HTTP does not know them yet, but a drain must bound them. A finished one is found again by
 * the stream below its TLS socket: not by addresses, which a front that reads the PROXY protocol overrides.
 */
export class Handshakes {
  readonly #open = new Set<Duplex & HandshakeCarrier>()

  get size(): number {
    return this.#open.size
  }

  begin(raw: Duplex & HandshakeCarrier, onEnd: () => void): void {
    this.#open.add(raw)
    raw[kHandshake] = { handshakes: this, openedAt: performance.now() }
    raw.once('close', () => {
      if (this.#open.delete(raw)) onEnd()
    })
  }

  /** Destroys those for which `due` says so: there is no response to lose. */
  destroyWhere(due: (openedAt: number) => boolean): void {
    for (const raw of [...this.#open]) {
      const openedAt = raw[kHandshake]?.openedAt
      if (openedAt !== undefined && due(openedAt)) raw.destroy()
    }
  }

  /** TLS speaks on it, be it for another server than the one that it came to. */
  static finish(raw: Duplex & HandshakeCarrier): void {
    const handshake = raw[kHandshake]
    if (handshake === undefined) return
    handshake.handshakes.#open.delete(raw)
    raw[kHandshake] = undefined
  }
}
