import { HalfcloseTypeError } from '../errors/errors.js'
import { queueMicrotask } from '../node/real-timers.js'
import type { Connections } from '../types.js'
import { Collector, type Sample } from './collector.js'
import {
  type Definition,
  DRAIN,
  DURATION,
  labelName,
  labelsOf,
  PER_CONNECTION,
  prometheusName,
  READ,
  type ReadName,
} from './definitions.js'
import { readAtScrape } from './prometheus-histogram.js'
import { Registration } from './registration.js'

/** A registry of prom-client, with the members that are used. */
export interface PrometheusRegister {
  /** The metric of that name, if there is one. */
  getSingleMetric(name: string): object | undefined
  /** Adds a metric. */
  registerMetric(metric: object): void
  /** Removes a metric. */
  removeSingleMetric(name: string): void
}

/** What prom-client is told about a metric. */
export interface PrometheusConfiguration {
  /** The name in Prometheus. */
  name: string
  /** One sentence. */
  help: string
  /** The names of the labels. */
  labelNames: string[]
  /** Empty: it is registered afterwards. */
  registers: never[]
  /** The upper bounds of the buckets, for a histogram. */
  buckets?: number[]
  /** Called at each scrape. */
  collect?: () => void
  /** How the values of several processes become one (prom-client's `AggregatorRegistry`). Default: `'sum'`. */
  aggregator?: 'max'
}

/** A counter or gauge of prom-client, with the members that are used. */
export interface PrometheusValue {
  /** Adds to it. */
  inc(labels: Record<string, string>, value: number): void
  /** Forgets all values. */
  reset(): void
}

/** prom-client, with the members that are used: `import * as client from 'prom-client'`. */
export interface PrometheusClient {
  /** Its class of counters. */
  readonly Counter: new (
    configuration: PrometheusConfiguration,
  ) => PrometheusValue
  /** Its class of gauges. */
  readonly Gauge: new (
    configuration: PrometheusConfiguration,
  ) => PrometheusValue
  /** Its class of histograms. */
  readonly Histogram: new (
    configuration: PrometheusConfiguration,
  ) => { observe(labels: Record<string, string>, value: number): void }
  /** Its default registry. */
  readonly register: PrometheusRegister
}

/** Options of {@link prometheus}. */
export interface PrometheusOptions {
  /** prom-client 14 or 15. */
  client: PrometheusClient
  /** Where the metrics are registered. Default: `[client.register]`. */
  registers?: readonly PrometheusRegister[] | undefined
}

/**
 * Registers the metrics of a handle with prom-client. They are read at each scrape; the ends of connections are counted from the first call on. The same call
 * again changes nothing, and all registries of one handle tell the same. Returns a function that removes them, unless another call has asked for them, too.
 *
 * @throws `HALFCLOSE_METRICS_TAKEN` if a registry has the metrics of another handle that has not drained: give each a registry of its own
 */
export function prometheus(connections: Connections, { client, registers = [client.register] }: PrometheusOptions): () => void {
  for (const register of registers) assertRoom(register, connections)
  const uses = registers.map((register) => measuredIn(register, client, connections).use())
  return () => {
    for (const stop of uses) stop()
  }
}

const DEFINITIONS: readonly Definition[] = [...READ, DRAIN, DURATION, PER_CONNECTION]

/** The metrics of a handle in a registry: those that are there, or new ones. */
function measuredIn(register: PrometheusRegister, client: PrometheusClient, connections: Connections): Registration {
  const present = DEFINITIONS.map((definition) => measuredAt(register, nameOf(definition)))
  const [first] = present
  if (first?.connections === connections && present.every((one) => one === first)) return first
  for (const one of present) one?.end()
  const collector = Collector.of(connections)
  const metrics = metricsOf(client, collector)
  const stop = collector.record()
  const registration = new Registration(connections, () => {
    stop()
    for (const [name, metric] of metrics) if (register.getSingleMetric(name) === metric) register.removeSingleMetric(name)
  })
  for (const metric of metrics.values()) {
    registration.noteOn(metric)
    register.registerMetric(metric)
  }
  return registration
}

function metricsOf(client: PrometheusClient, collector: Collector): Map<string, object> {
  const metrics = new Map<string, object>()
  const read = readTogether(collector)
  for (const definition of [...READ, DRAIN]) {
    const Value = definition.kind === 'counter' ? client.Counter : client.Gauge
    const metric = new Value({
      ...configurationOf(definition),
      collect: () => {
        metric.reset()
        for (const { attributes, value } of read(definition.name)) metric.inc(labelsOf(attributes), value)
      },
    })
    metrics.set(nameOf(definition), metric)
  }
  for (const [definition, histogram] of [
    [DURATION, collector.duration],
    [PER_CONNECTION, collector.requests],
  ] as const) {
    const metric = new client.Histogram({ ...configurationOf(definition), buckets: [...definition.bounds] })
    metrics.set(nameOf(definition), readAtScrape(metric, nameOf(definition), definition.help, histogram))
  }
  return metrics
}

/** A scrape asks for all metrics in one tick: they are read from one look at the handle. */
function readTogether(collector: Collector): (name: ReadName) => readonly Sample[] {
  let values: ReturnType<Collector['read']> | undefined
  return (name) => {
    if (values === undefined) {
      values = collector.read()
      queueMicrotask(() => {
        values = undefined
      })
    }
    return values.get(name) ?? []
  }
}

function configurationOf(definition: Definition): PrometheusConfiguration {
  const { help, attributes, aggregator } = definition
  return {
    name: nameOf(definition),
    help,
    labelNames: attributes.map(labelName),
    registers: [],
    ...(aggregator && { aggregator }),
  }
}

/** Throws if a registry has metrics of these names which are neither of this handle nor of one that has drained. */
function assertRoom(register: PrometheusRegister, connections: Connections): void {
  for (const name of DEFINITIONS.map(nameOf)) {
    if (register.getSingleMetric(name) === undefined) continue
    const registration = measuredAt(register, name)
    if (registration?.connections === connections || registration?.isOver === true) continue
    const whose = registration === undefined ? 'of other code' : 'of another handle, which has not drained'
    throw new HalfcloseTypeError(
      'HALFCLOSE_METRICS_TAKEN',
      `halfclose: this registry of prom-client has a metric ${name} ${whose}: give each handle a registry of its own; docs/observability.md shows how`,
    )
  }
}

function measuredAt(register: PrometheusRegister, name: string): Registration | undefined {
  const metric = register.getSingleMetric(name)
  return metric && Registration.of(metric)
}

function nameOf(definition: Definition): string {
  return `${prometheusName(definition)}${definition.kind === 'counter' ? '_total' : ''}`
}
