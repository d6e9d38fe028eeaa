/**
 * `@halfclose/core/metrics`: how a server's connections live and end, for Prometheus and OpenTelemetry. A process that does not load it pays nothing for it; it
 * depends on neither prom-client nor OpenTelemetry, since the application passes them in.
 */
export type { Connections } from '../types.js'
export { contentTypes, type ExpositionFormat, type ExpositionOptions, exposition } from './exposition.js'
export {
  type InstrumentOptions,
  type ObservableInstrument,
  type ObservableResult,
  type OpenTelemetryMeter,
  type OpenTelemetryOptions,
  opentelemetry,
} from './opentelemetry.js'
export {
  type PrometheusClient,
  type PrometheusConfiguration,
  type PrometheusOptions,
  type PrometheusRegister,
  type PrometheusValue,
  prometheus,
} from './prometheus.js'
