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

/** A registry of prom-client, as far as it is used. */
export interface PrometheusRegister {
  /** The metric of that name, if there is one. */
  getSingleMetric(name: string): object | undefined
  /** Adds a metric. */
  registerMetric(metric: object): void
  /** Takes a metric out. */
  removeSingleMetric(name: string): void
}

/** What prom-client is told of a metric. */
export interface PrometheusConfiguration {
  /** The name, as Prometheus has it. */
  name: string
  /** One sentence for people. */
  help: string
  /** The names of the labels. */
  labelNames: string[]
  /** None: it is registered afterwards. */
  registers: never[]
  /** Of a histogram: the upper bounds of its buckets. */
  buckets?: number[]
  /** Is called when somebody scrapes. */
  collect?: () => void
}

/** A counter or gauge of prom-client, as far as it is used. */
export interface PrometheusValue {
  /** Adds to it. */
  inc(labels: Record<string, string>, value: number): void
  /** Forgets all values. */
  reset(): void
}

/** prom-client, as far as it is used: `import * as client from 'prom-client'`. */
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

/** What {@link prometheus} is given. */
export interface PrometheusOptions {
  /** prom-client 14 or 15. */
  client: PrometheusClient
  /** Where the metrics are registered. Default: `[client.register]`. */
  registers?: readonly PrometheusRegister[] | undefined
}

/**
 * Registers the metrics of a handle with prom-client. They are read when somebody scrapes, but for two histograms, which are filled as connections end.
 * Returns how to take them out again.
 *
 * @throws `HALFCLOSE_METRICS_TAKEN` where a registry has the metrics of another handle that has not drained: give each handle a registry of its
 * own with default labels that tell them apart, and scrape `Registry.merge([one, other])`
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

/** A scrape asks for one metric after the other, in one go: what all are read from is looked at once for it. */
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

/** Metrics of a handle that has drained are over: tests make one application after the other. */
function makeRoom(register: PrometheusRegister, names: readonly string[], connections: Connections): void {
  for (const name of names) {
    const taken = register.getSingleMetric(name)
    if (taken === undefined) continue
    stopIfOver(taken, connections)
    if (register.getSingleMetric(name) === undefined) continue
    const who = measures(taken) ? 'of another handle, which has not drained' : 'of somebody else'
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
