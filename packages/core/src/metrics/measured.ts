import type { Connections } from '../types.js'

/** Whose metrics an object of prom-client or OpenTelemetry stands for. */
export interface Measured {
  readonly connections: Connections
  /** Takes them out. */
  readonly stop: () => void
}

const MEASURED: unique symbol = Symbol.for('halfclose.metrics.of')

interface Carrier {
  [MEASURED]?: Measured | undefined
}

/** Notes it on the object: there is no state of a module, since two copies of this package may be loaded. */
export function noteMeasured(target: object, measured: Measured | undefined): void {
  Reflect.defineProperty(target, MEASURED, { value: measured, configurable: true })
}

export function measures(target: object & Carrier): boolean {
  return target[MEASURED] !== undefined
}

/** Takes the metrics out that an object stands for, where their handle has drained, or is this one. */
export function stopIfOver(target: object & Carrier, connections: Connections): void {
  const before = target[MEASURED]
  if (before !== undefined && (before.connections === connections || before.connections.state === 'drained')) before.stop()
}
