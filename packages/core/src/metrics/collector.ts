import type { CloseEvent, PromiseBreaker } from '../events/types.js'
import type { Connections, ServerState } from '../types.js'
import type { ReadName } from './definitions.js'
import { errorTypeOf } from './error-type.js'

export type Attributes = Record<string, string>

/** One value of a metric, and the attributes that tell it from the others. */
export interface Sample {
  readonly attributes: Attributes
  readonly value: number
}

/** A connection that has ended: its values for the histograms. */
export interface Ended {
  readonly seconds: number
  readonly requests: number
  /** The attributes of its duration. */
  readonly attributes: Attributes
}

const STATES: readonly ServerState[] = ['serving', 'leaving', 'draining', 'drained']
/** All causes at 0, as a record, so that the compiler finds a missing one. */
const CAUSES: Readonly<Record<PromiseBreaker, 0>> = {
  deadline: 0,
  'drain-idle': 0,
  'close-idle': 0,
  'close-all': 0,
  destroy: 0,
  limit: 0,
  pressure: 0,
}

/** The source of all metrics of a handle. It counts only how connections end: everything else is read from the handle. */
export class Collector {
  readonly #connections: Connections
  readonly #ended: (ended: Ended) => void
  readonly #closed = new Map<string, { readonly attributes: Attributes; value: number }>()

  /** `ended` is called for every connection that ends. */
  constructor(connections: Connections, ended: (ended: Ended) => void) {
    this.#connections = connections
    this.#ended = ended
    connections.on('close', this.#onClose)
  }

  /** Stops listening to the handle. */
  stop(): void {
    this.#connections.off('close', this.#onClose)
  }

  /** All metrics with their present values, from one look at the handle. */
  read(): Map<ReadName, readonly Sample[]> {
    const { state, policy } = this.#connections
    const { open, connections, requests, promisesBroken, refused, drain } = this.#connections.stats()
    const { keepAlive } = policy
    const { received: _, ...outcomes } = requests
    return new Map<ReadName, readonly Sample[]>([
      ['halfclose.connections', samplesOf('state', open)],
      ['halfclose.connections.opened', [{ attributes: {}, value: connections.opened }]],
      ['halfclose.connections.closed', [...this.#closed.values()]],
      [
        'halfclose.connections.refused',
        samplesOf('limit', {
          connections: refused?.connections ?? connections.refused,
          per_client: refused?.perClient ?? 0,
          descriptors: refused?.descriptors ?? 0,
        }),
      ],
      ['halfclose.promises.broken', samplesOf('cause', { ...CAUSES, ...promisesBroken })],
      ['halfclose.requests', samplesOf('outcome', outcomes)],
      ['halfclose.server.state', samplesOf('state', Object.fromEntries(STATES.map((one) => [one, one === state ? 1 : 0])))],
      ['halfclose.policy.hold', [{ attributes: {}, value: keepAlive === false ? 0 : keepAlive.hold / 1_000 }]],
      ['halfclose.policy.promise', [{ attributes: {}, value: keepAlive === false ? 0 : keepAlive.timeout / 1_000 }]],
      ['halfclose.drain.requests', samplesOf('outcome', drain ?? { finished: 0, rescued: 0, cut: 0 })],
    ])
  }

  readonly #onClose = (event: CloseEvent): void => {
    const { reason, first, inFlight, protocol, ms, requests } = event
    const key = `${reason} ${first} ${inFlight}`
    const before = this.#closed.get(key)
    if (before === undefined) this.#closed.set(key, { attributes: { reason, first, in_flight: String(inFlight) }, value: 1 })
    else before.value++
    const type = errorTypeOf(event)
    const attributes = { 'network.protocol.version': protocol, ...(type === undefined ? {} : { 'error.type': type }) }
    this.#ended({ seconds: ms / 1_000, requests, attributes })
  }
}

function samplesOf(attribute: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => ({ attributes: { [attribute]: name }, value }))
}
