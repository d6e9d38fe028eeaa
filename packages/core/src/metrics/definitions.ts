/** Names and values of a series, in OpenTelemetry's terms. */
export type Attributes = Readonly<Record<string, string>>

/** A metric in OpenTelemetry's terms; its Prometheus name follows from them. */
export interface Definition {
  /** E.g. `halfclose.connections.opened`. */
  readonly name: string
  readonly kind: 'counter' | 'upDownCounter' | 'gauge' | 'histogram'
  readonly unit: '{connection}' | '{promise}' | '{request}' | 's' | undefined
  readonly help: string
  /** The names of its attributes. */
  readonly attributes: readonly string[]
  /** The upper bounds of the buckets, for a histogram. */
  readonly bounds?: readonly number[]
  /** How prom-client makes one value of those of a cluster's workers, if not as their sum. */
  readonly aggregator?: 'max'
}

/** The buckets of `kestrel.connection.duration`, and two for long connections. */
const SECONDS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 3_600]
const REQUESTS = [0, 1, 2, 5, 10, 20, 50, 100, 500, 1_000, 10_000]

/** The metrics that are read when they are collected. */
export const READ = [
  {
    name: 'halfclose.connections',
    kind: 'upDownCounter',
    unit: '{connection}',
    help: 'Open connections by state.',
    attributes: ['state'],
  },
  {
    name: 'halfclose.connections.opened',
    kind: 'counter',
    unit: '{connection}',
    help: 'Connections that were opened.',
    attributes: [],
  },
  {
    name: 'halfclose.connections.closed',
    kind: 'counter',
    unit: '{connection}',
    help: 'Connections that have ended: why, who was first, and whether a request was under way.',
    attributes: ['reason', 'first', 'in_flight'],
  },
  {
    name: 'halfclose.connections.refused',
    kind: 'counter',
    unit: '{connection}',
    help: 'Connections over a limit.',
    attributes: ['limit'],
  },
  {
    name: 'halfclose.promises.broken',
    kind: 'counter',
    unit: '{promise}',
    help: 'Closes before the advertised keep-alive time was over that the client did not ask for.',
    attributes: ['cause'],
  },
  {
    name: 'halfclose.requests',
    kind: 'counter',
    unit: '{request}',
    help: 'What became of requests.',
    attributes: ['outcome'],
  },
  {
    name: 'halfclose.server.state',
    kind: 'gauge',
    unit: undefined,
    help: 'Where the server stands: 1 for the state it is in.',
    attributes: ['state'],
  },
  {
    name: 'halfclose.policy.hold',
    kind: 'gauge',
    unit: 's',
    help: 'How long an idle connection is kept.',
    attributes: [],
    aggregator: 'max',
  },
  {
    name: 'halfclose.policy.promise',
    kind: 'gauge',
    unit: 's',
    help: 'How long an idle connection is promised to be kept.',
    attributes: [],
    aggregator: 'max',
  },
] as const satisfies readonly Definition[]

/** Read in the same way for Prometheus; OpenTelemetry's counter for it is not observable. */
export const DRAIN = {
  name: 'halfclose.drain.requests',
  kind: 'counter',
  unit: '{request}',
  help: 'Requests in drains: in flight when it began, arrived since and answered, or broken off.',
  attributes: ['outcome'],
} as const satisfies Definition

/** Recorded when a connection has ended. */
export const DURATION = {
  name: 'halfclose.connection.duration',
  kind: 'histogram',
  unit: 's',
  help: 'How long connections lived.',
  attributes: ['network.protocol.version', 'error.type'],
  bounds: SECONDS,
} as const satisfies Definition

export const PER_CONNECTION = {
  name: 'halfclose.connection.requests',
  kind: 'histogram',
  unit: '{request}',
  help: 'How many requests connections carried.',
  attributes: [],
  bounds: REQUESTS,
} as const satisfies Definition

/** The name of a metric that is read when it is collected. */
export type ReadName = (typeof READ)[number]['name'] | typeof DRAIN.name

/** The name by OpenTelemetry's translation for Prometheus, without a counter's `_total`. */
export function prometheusName({ name, unit }: Definition): string {
  const base = name.replaceAll('.', '_')
  return unit === 's' ? `${base}_seconds` : base
}

export function labelName(attribute: string): string {
  return attribute.replaceAll('.', '_')
}

export function labelsOf(attributes: Attributes): Record<string, string> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [labelName(name), value]))
}
