import { optionTypeError } from '../errors/errors.js'
import type { Connections } from '../types.js'
import { type OpenTelemetryOptions, opentelemetry } from './opentelemetry.js'
import { type PrometheusOptions, prometheus } from './prometheus.js'

/** The option `metrics` of an adapter. */
export type MetricsOptions = PrometheusOptions | OpenTelemetryOptions

/** Checks that option, as far as the metrics do not check it themselves. */
export function assertMetrics(value: unknown): void {
  if (value === undefined) return
  const isObject = typeof value === 'object' && value !== null
  if (isObject && 'client' in value && has(value.client, 'Counter', 'Gauge', 'Histogram')) return
  if (isObject && 'meter' in value && has(value.meter, 'createHistogram', 'addBatchObservableCallback')) return
  throw optionTypeError('metrics', '{ client } with prom-client, or { meter } with a Meter of OpenTelemetry', value)
}

/** Registers the metrics of a handle as the option says. */
export function measure(connections: Connections, options: MetricsOptions): void {
  if ('client' in options) prometheus(connections, options)
  else opentelemetry(connections, options)
}

function has(value: unknown, ...names: string[]): boolean {
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return false
  return names.every((name) => typeof Reflect.get(value, name) === 'function')
}
