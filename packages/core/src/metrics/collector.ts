import type { CloseEvent, PromiseBreaker } from '../events/types.js'
import type { Connections, ServerState } from '../types.js'
import { type Attributes, DURATION, PER_CONNECTION, type ReadName } from './definitions.js'
import { errorTypeOf, OTHER } from './error-type.js'
import { Histogram } from './histogram.js'

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

interface Recording {
  readonly ended: ((ended: Ended) => void) | undefined
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

/** How many different failures have series of their own in the histogram of durations; with the others below that makes at most 450 series. */
const FAILURES = 13
const NONE: Attributes = Object.freeze({})

/** Kept on a handle; in the global registry, since two copies of this package may be loaded. */
const COLLECTOR: unique symbol = Symbol.for('halfclose.metrics.collector')

/**
 * The source of all metrics of a handle. It counts only how connections end: everything else is read from the handle. A handle has one, so that all its
 * registries and meters tell the same, and no counter starts anew.
 */
export class Collector {
  readonly duration = new Histogram(DURATION.bounds)
  readonly requests = new Histogram(PER_CONNECTION.bounds, NONE)
  readonly #connections: Connections
  readonly #closed = new Map<string, { readonly attributes: Attributes; value: number }>()
  /** The attributes of durations, by protocol and failure. */
  readonly #kinds = new Map<string, Attributes>()
  readonly #failures = new Set<string>()
  readonly #users = new Set<Recording>()
  /** What the counters of meters were given. */
  readonly #told = new WeakMap<object, Map<string, number>>()
  #isKept = false

  private constructor(connections: Connections) {
    this.#connections = connections
  }

  static of(connections: Connections & { [COLLECTOR]?: Collector }): Collector {
    const before = connections[COLLECTOR]
    if (before !== undefined) return before
    const collector = new Collector(connections)
    Object.defineProperty(connections, COLLECTOR, { value: collector })
    return collector
  }

  /** Counts the ends of connections until the returned function is called. `ended` is called for each of them. */
  record(ended?: Recording['ended']): () => void {
    const user: Recording = { ended }
    if (this.#users.size === 0) this.#connections.on('close', this.#onClose)
    this.#users.add(user)
    return () => {
      if (this.#users.delete(user) && this.#users.size === 0) this.#connections.off('close', this.#onClose)
    }
  }

  /** Counts them from now on. */
  recordAlways(): void {
    if (!this.#isKept) this.record()
    this.#isKept = true
  }

  /** What the counter of a meter was given so far of the requests in drains, by outcome: its caller adds what is new. */
  toldTo(meter: object): Map<string, number> {
    const told = this.#told.get(meter) ?? new Map<string, number>()
    this.#told.set(meter, told)
    return told
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
    const { reason, first, inFlight, ms, requests } = event
    const key = `${reason} ${first} ${inFlight}`
    const before = this.#closed.get(key)
    if (before === undefined) this.#closed.set(key, { attributes: { reason, first, in_flight: String(inFlight) }, value: 1 })
    else before.value++
    const ended: Ended = { seconds: ms / 1_000, requests, attributes: this.#kindOf(event) }
    this.duration.record(ended.seconds, ended.attributes)
    this.requests.record(requests, NONE)
    for (const user of this.#users) user.ended?.(ended)
  }

  /** The attributes of a duration: the same object each time. */
  #kindOf(event: CloseEvent): Attributes {
    const { protocol } = event
    const type = errorTypeOf(event)
    const failure = `${protocol} ${type}`
    const isShown = type === undefined || this.#failures.has(failure) || this.#failures.size < FAILURES
    if (isShown && type !== undefined) this.#failures.add(failure)
    const key = isShown ? failure : `${protocol} ${OTHER}`
    const before = this.#kinds.get(key)
    if (before !== undefined) return before
    const attributes = { 'network.protocol.version': protocol, ...(type && { 'error.type': isShown ? type : OTHER }) }
    this.#kinds.set(key, attributes)
    return attributes
  }
}

function samplesOf(attribute: string, values: Readonly<Record<string, number>>): Sample[] {
  return Object.entries(values).map(([name, value]) => ({ attributes: { [attribute]: name }, value }))
}
