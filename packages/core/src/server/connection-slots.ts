import type { RefusingLimit } from '../events/types.js'
import type { Policy } from '../options/types.js'
import { clientKeyOf } from './per-client-key.js'

/** How many slots are taken, and how many of those by TLS handshakes. */
interface Taken {
  all: number
  handshakes: number
}

/**
 * The slots of `limits.connections` and `limits.perClient`. A TLS handshake under way takes one, too: a client that sends nothing holds a descriptor
 * like any other.
 */
export class ConnectionSlots {
  /** Whether there is a limit. */
  readonly areLimited: boolean
  readonly #connections: number
  readonly #perClient: number
  readonly #all: Taken = { all: 0, handshakes: 0 }
  readonly #byClient = new Map<string, Taken>()

  constructor({ connections, perClient }: Policy['limits']) {
    this.areLimited = connections !== false || perClient !== false
    this.#connections = connections === false ? Number.POSITIVE_INFINITY : connections
    this.#perClient = perClient === false ? Number.POSITIVE_INFINITY : perClient
  }

  /** The client of a stream, if slots are counted by client. A front that reads the PROXY protocol sets the address on the stream below TLS. */
  clientOf(stream: object): string | undefined {
    if (this.#perClient === Number.POSITIVE_INFINITY) return undefined
    const address: unknown = Reflect.get(stream, 'remoteAddress')
    return typeof address === 'string' ? clientKeyOf(address) : undefined
  }

  hasRoom(client: string | undefined): boolean {
    return this.#all.all < this.#connections && (client === undefined || this.#takenBy(client).all < this.#perClient)
  }

  /** The limit by which there is no room. */
  limitOver(): RefusingLimit {
    return this.#all.all < this.#connections ? 'perClient' : 'connections'
  }

  /** Whether there would be room without the unfinished handshakes. Another handshake would then help no client that waits for an answer. */
  areHeldByHandshakes(client: string | undefined): boolean {
    const isHeld = ({ all, handshakes }: Taken, limit: number) => all >= limit && all - handshakes < limit
    return isHeld(this.#all, this.#connections) || (client !== undefined && isHeld(this.#takenBy(client), this.#perClient))
  }

  take(client: string | undefined, handshake = false): void {
    this.#count(client, 1, handshake)
  }

  leave(client: string | undefined, handshake = false): void {
    this.#count(client, -1, handshake)
  }

  #count(client: string | undefined, n: 1 | -1, handshake: boolean): void {
    add(this.#all, n, handshake)
    if (client === undefined) return
    const taken = this.#takenBy(client)
    add(taken, n, handshake)
    if (taken.all > 0) this.#byClient.set(client, taken)
    else this.#byClient.delete(client)
  }

  #takenBy(client: string): Taken {
    return this.#byClient.get(client) ?? { all: 0, handshakes: 0 }
  }
}

function add(taken: Taken, n: 1 | -1, handshake: boolean): void {
  taken.all += n
  if (handshake) taken.handshakes += n
}
