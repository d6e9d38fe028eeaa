import type { RefusingLimit } from '../events/types.js'
import type { Policy } from '../options/types.js'
import { clientOf } from './client-key.js'

/** Places that are taken, and how many of them by TLS handshakes that are under way. */
interface Taken {
  all: number
  handshakes: number
}

/**
 * The places of `limits.connections` and `limits.perClient`. A TLS handshake that is under way has one: a client that sends nothing holds a descriptor as
 * any other does.
 */
export class Places {
  /** There is a limit. */
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

  /** The client of a stream, where places are counted by client. A front that reads the PROXY protocol says whose it is on the stream below TLS. */
  clientOf(stream: object): string | undefined {
    if (this.#perClient === Number.POSITIVE_INFINITY) return undefined
    const address: unknown = Reflect.get(stream, 'remoteAddress')
    return typeof address === 'string' ? clientOf(address) : undefined
  }

  hasRoom(client: string | undefined): boolean {
    return this.#all.all < this.#connections && (client === undefined || this.#of(client).all < this.#perClient)
  }

  /** Where there is no room: for which limit. */
  limitOver(): RefusingLimit {
    return this.#all.all < this.#connections ? 'perClient' : 'connections'
  }

  /** There would be room without handshakes that are not finished: nobody who waits for an answer is served by one more of them. */
  areHeldByHandshakes(client: string | undefined): boolean {
    const isHeld = ({ all, handshakes }: Taken, limit: number) => all >= limit && all - handshakes < limit
    return isHeld(this.#all, this.#connections) || (client !== undefined && isHeld(this.#of(client), this.#perClient))
  }

  take(client: string | undefined, handshake = false): void {
    add(this.#all, 1, handshake)
    if (client === undefined) return
    const taken = this.#of(client)
    add(taken, 1, handshake)
    this.#byClient.set(client, taken)
  }

  leave(client: string | undefined, handshake = false): void {
    add(this.#all, -1, handshake)
    if (client === undefined) return
    const taken = this.#of(client)
    add(taken, -1, handshake)
    if (taken.all <= 0) this.#byClient.delete(client)
  }

  #of(client: string): Taken {
    return this.#byClient.get(client) ?? { all: 0, handshakes: 0 }
  }
}

function add(taken: Taken, n: 1 | -1, handshake: boolean): void {
  taken.all += n
  if (handshake) taken.handshakes += n
}
