import type { Connections } from '../types.js'

const REGISTRATION: unique symbol = Symbol.for('halfclose.metrics.of')

interface Carrier {
  [REGISTRATION]?: Registration | undefined
}

/** The metrics of a handle in one registry of prom-client, or on one meter of OpenTelemetry. Several calls may have asked for them. */
export class Registration {
  readonly connections: Connections
  readonly #remove: () => void
  #uses = 0

  constructor(connections: Connections, remove: () => void) {
    this.connections = connections
    this.#remove = remove
  }

  /** What an object holds; `undefined`: it holds no metrics of halfclose. */
  static of(target: object & Carrier): Registration | undefined {
    return target[REGISTRATION]
  }

  /** Records it on an object: a module variable would not do, since two copies of this package may be loaded. */
  noteOn(target: object): void {
    Reflect.defineProperty(target, REGISTRATION, { value: this, configurable: true })
  }

  static forget(target: object): void {
    Reflect.deleteProperty(target, REGISTRATION)
  }

  /** The metrics of a handle that has drained make room for those of the next one: tests make one application after the other. */
  get isOver(): boolean {
    return this.connections.state === 'drained'
  }

  /** One more call asks for the metrics. They are removed when each of these calls has called the function that it got. */
  use(): () => void {
    let isUsed = true
    this.#uses++
    return () => {
      if (isUsed && --this.#uses === 0) this.#remove()
      isUsed = false
    }
  }

  /** Removes the metrics, though calls still use them. */
  end(): void {
    this.#uses = 0
    this.#remove()
  }
}
