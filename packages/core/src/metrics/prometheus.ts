import { HalfcloseTypeError } from '../errors/errors.js'
import type { Connections } from '../types.js'
import { Collector, type Sample } from './collector.js'
import {
  type Definition,
  DRAIN,
  DURATION,
  labelName,
  PER_CONNECTION,
  prometheusName,
  READ,
  type ReadName,
} from './definitions.js'
import { type Measured, measures, noteMeasured, stopIfOver } from './measured.js'

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
 * Registers the metrics of a handle with prom-client. They are read at each scrape, except for two histograms, which are filled as connections end. Returns a
 * function that removes them.
 *
 * @throws `HALFCLOSE_METRICS_TAKEN` if a registry has the metrics of another handle that has not drained: give each handle a registry of its own with default
 * labels that tell them apart, and scrape `Registry.merge([one, other])`
 */
export function prometheus(connections: Connections, { client, registers = [client.register] }: PrometheusOptions): () => void {
  const definitions: readonly Definition[] = [...READ, DRAIN, DURATION, PER_CONNECTION]
  const names = definitions.map(nameOf)
  for (const register of registers) makeRoom(register, names, connections)
  const metrics: object[] = []
  for (const definition of [...READ, DRAIN]) {
    const Value = definition.kind === 'counter' ? client.Counter : client.Gauge
    const metric = new Value({
      ...configurationOf(definition),
      collect: () => {
        metric.reset()
        for (const { attributes, value } of read(definition.name)) metric.inc(labelsOf(attributes), value)
      },
    })
    metrics.push(metric)
  }
  const duration = new client.Histogram({ ...configurationOf(DURATION), buckets: [...DURATION.bounds] })
  const requests = new client.Histogram({ ...configurationOf(PER_CONNECTION), buckets: [...PER_CONNECTION.bounds] })
  metrics.push(duration, requests)
  const collector = new Collector(connections, (ended) => {
    duration.observe(labelsOf(ended.attributes), ended.seconds)
    requests.observe({}, ended.requests)
  })
  const stop = () => {
    collector.stop()
    for (const register of registers)
      for (const [at, name] of names.entries())
        if (register.getSingleMetric(name) === metrics[at]) register.removeSingleMetric(name)
  }
  const read = readTogether(collector)
  const measured: Measured = { connections, stop }
  for (const metric of metrics) {
    noteMeasured(metric, measured)
    for (const register of registers) register.registerMetric(metric)
  }
  return stop
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
  const { help, attributes } = definition
  return { name: nameOf(definition), help, labelNames: attributes.map(labelName), registers: [] }
}

/** Removes the metrics of a handle that has drained: tests make one application after the other. */
function makeRoom(register: PrometheusRegister, names: readonly string[], connections: Connections): void {
  for (const name of names) {
    const taken = register.getSingleMetric(name)
    if (taken === undefined) continue
    stopIfOver(taken, connections)
    if (register.getSingleMetric(name) === undefined) continue
    const who = measures(taken) ? 'of another handle, which has not drained' : 'of other code'
    throw new HalfcloseTypeError(
      'HALFCLOSE_METRICS_TAKEN',
      `halfclose: this registry of prom-client has a metric ${name} ${who}: give each handle a registry of its own (\`registers: [registry]\`), with ` +
        '`registry.setDefaultLabels({ app: … })`, and scrape `Registry.merge([one, other])`',
    )
  }
}

function nameOf(definition: Definition): string {
  return `${prometheusName(definition)}${definition.kind === 'counter' ? '_total' : ''}`
}

function labelsOf(attributes: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [labelName(name), value]))
}
