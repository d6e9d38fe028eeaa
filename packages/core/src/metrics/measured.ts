import type { Connections } from '../types.js'

/** The handle whose metrics an object of prom-client or OpenTelemetry holds. */
export interface Measured {
  readonly connections: Connections
  /** Removes the metrics. */
  readonly stop: () => void
}

const MEASURED: unique symbol = Symbol.for('halfclose.metrics.of')

interface Carrier {
  [MEASURED]?: Measured | undefined
}

/** Records that on the object: a module variable would not do, since two copies of this package may be loaded. */
export function noteMeasured(target: object, measured: Measured | undefined): void {
  Reflect.defineProperty(target, MEASURED, { value: measured, configurable: true })
}

export function measures(target: object & Carrier): boolean {
  return target[MEASURED] !== undefined
}

/** Removes the metrics that an object holds, if their handle has drained or is this one. */
export function stopIfOver(target: object & Carrier, connections: Connections): void {
  const before = target[MEASURED]
  if (before !== undefined && (before.connections === connections || before.connections.state === 'drained')) before.stop()
}
