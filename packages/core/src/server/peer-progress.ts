interface Sample {
  readonly kind: string
  readonly bytes: number
  readonly at: number
  readonly moves: boolean | undefined
}

/** Two looks closer to each other than this count as one, in ms. */
const ONE = 100
/** An older look says nothing about the present, in ms. */
const OLD = 10_000

/** What a client has moved between two looks at it. A single look cannot tell a slow client from one that has stopped. */
export class PeerProgress {
  readonly #last = new WeakMap<object, Sample>()

  /** Whether `bytes` has grown since the last look; `undefined`: there was no recent look. */
  moves(peer: object, kind: 'output' | 'input', bytes: number, now: number): boolean | undefined {
    const last = this.#last.get(peer)
    const knows = last !== undefined && last.kind === kind && now - last.at < OLD
    if (knows && now - last.at < ONE) return last.moves
    const moves = knows ? bytes > last.bytes : undefined
    this.#last.set(peer, { kind, bytes, at: now, moves })
    return moves
  }
}
