import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { attach, type CloseEvent, type CloseReason, type Connections, type Options } from '@halfclose/core'
import { contentTypes, exposition, opentelemetry, prometheus } from '@halfclose/core/metrics'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import * as client from 'prom-client'
import { Client } from '../../../test/support/client.js'
import { get, post } from '../../../test/support/requests.js'
import { until, within } from '../../../test/support/wait.js'

// The metrics of one server, by three ways: the text that is ours, prom-client and the SDK of OpenTelemetry. All tell the same.

const quiet = { info() {}, warn() {} }
const running: Connections[] = []
const clients: Client[] = []

afterEach(async () => {
  for (const one of clients.splice(0)) one.destroy()
  for (const one of running.splice(0)) await within(one.drain({ fast: true }), () => 'the drain')
})

async function serve(options: Options = {}, listener: RequestListener = (_req, res) => void res.end('x')) {
  const server = createServer(listener)
  const connections = attach(server, { logger: quiet, drain: 'fast', ...options })
  running.push(connections)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const open = async () => {
    const one = await Client.open({ port: address.port })
    clients.push(one)
    return one
  }
  return { server, connections, open }
}

type Values = Record<string, number>

/** `name{label="value"} 1` → value, by name and labels in order. */
function parsed(text: string): Values {
  const values: Values = {}
  for (const line of text.split('\n')) {
    const [, name = '', labels = '', value = ''] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name.startsWith('halfclose')) values[keyOf(name, labels.split(',').filter(Boolean))] = Number(value)
  }
  return values
}

const keyOf = (name: string, labels: string[]): string =>
  `${name}{${labels
    .map((label) => label.replace(/le="(\d+)\.0"/, 'le="$1"'))
    .sort()
    .join(',')}}`

/** What an exporter of OpenTelemetry was given, as Prometheus would have it. */
function translated(exporter: InMemoryMetricExporter): Values {
  const values: Values = {}
  const metrics = exporter.getMetrics().at(-1)?.scopeMetrics[0]?.metrics ?? []
  for (const metric of metrics) {
    const { descriptor, dataPoints } = metric
    const base = descriptor.name.replaceAll('.', '_') + (descriptor.unit === 's' ? '_seconds' : '')
    const suffix = 'isMonotonic' in metric && metric.isMonotonic ? '_total' : ''
    for (const { attributes, value } of dataPoints) {
      const labels = Object.entries(attributes).map(([name, one]) => `${name.replaceAll('.', '_')}="${one}"`)
      if (typeof value === 'number') {
        values[keyOf(base + suffix, labels)] = value
        continue
      }
      if (!('buckets' in value) || !('boundaries' in value.buckets)) continue
      let below = 0
      value.buckets.counts.forEach((count, at) => {
        below += count
        const { boundaries } = value.buckets
        const le = Array.isArray(boundaries) && at < boundaries.length ? boundaries[at] : '+Inf'
        values[keyOf(`${base}_bucket`, [...labels, `le="${le}"`])] = below
      })
      values[keyOf(`${base}_sum`, labels)] = value.sum ?? 0
      values[keyOf(`${base}_count`, labels)] = value.count
    }
  }
  return values
}

function exporting() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
  const provider = new MeterProvider({ readers: [reader] })
  return { exporter, provider, meter: provider.getMeter('test') }
}

test('prom-client, OpenTelemetry and the text of our own tell the same of every kind of end, and through a drain', async () => {
  const { connections, open } = await serve({ keepAlive: { timeout: 1_000 }, limits: { connections: 8 } }, (req, res) => {
    if (req.url === '/held') return
    res.end('x')
  })
  const register = new client.Registry()
  const { exporter, provider, meter } = exporting()
  exposition(connections)
  prometheus(connections, { client, registers: [register] })
  opentelemetry(connections, { meter })
  const all = await Promise.all(Array.from({ length: 8 }, open))
  const [polite, leaves, resets, malformed, posts, held] = all
  const excess = await open()
  expect((await excess.ask(get('/b'))).status).toBe(503)
  await polite?.ask(get('/a', 'Connection: close'))
  await leaves?.ask(get('/a'))
  leaves?.fin()
  await resets?.send(get('/held'))
  await until('it to be handed over', () => connections.stats().requests.received === 3)
  resets?.reset()
  await malformed?.send('nonsense\r\n\r\n')
  await posts?.ask(post('/a', 'abc'))
  await held?.send(get('/held'))
  await until('five to have ended', () => connections.stats().connections.closed === 5)
  await provider.forceFlush()
  const ours = parsed(exposition(connections))
  expect(parsed(await register.metrics())).toEqual(ours)
  expect(translated(exporter)).toEqual(ours)
  expect(ours).toMatchObject({
    'halfclose_connections_opened_total{}': 9,
    'halfclose_connections_refused_total{limit="connections"}': 1,
    'halfclose_connections_closed_total{first="peer",in_flight="true",reason="peer"}': 1,
    'halfclose_connection_duration_seconds_count{error_type="connection_reset",network_protocol_version="1.1"}': 1,
    'halfclose_server_state{state="serving"}': 1,
  })
  await within(connections.drain(), () => 'the drain')
  await provider.forceFlush()
  const after = parsed(exposition(connections))
  expect(parsed(await register.metrics())).toEqual(after)
  expect(translated(exporter)).toEqual(after)
  expect(after).toMatchObject({
    'halfclose_drain_requests_total{outcome="cut"}': 1,
    'halfclose_server_state{state="drained"}': 1,
    'halfclose_server_state{state="serving"}': 0,
    'halfclose_connections{state="idle"}': 0,
  })
  const closed = Object.entries(after).filter(([key]) => key.startsWith('halfclose_connections_closed_total'))
  expect(closed.reduce((sum, [, n]) => sum + n, 0)).toBe(9)
  await provider.shutdown()
})

test('a promise that a drain breaks is counted by its cause', async () => {
  const { server, connections, open } = await serve()
  exposition(connections)
  await (await open()).ask(get('/'))
  server.closeIdleConnections()
  await until('it to have ended', () => connections.stats().connections.closed === 1)
  expect(parsed(exposition(connections))).toMatchObject({ 'halfclose_promises_broken_total{cause="close-idle"}': 1 })
})

test('the text is OpenMetrics, or the older format', async () => {
  const { connections, open } = await serve()
  exposition(connections)
  await (await open()).ask(get('/', 'Connection: close'))
  await until('it to have ended', () => connections.stats().connections.closed === 1)
  const text = exposition(connections)
  expect(text).toMatch(/\n# EOF\n$/)
  expect(text).toContain('# TYPE halfclose_connections_opened counter\nhalfclose_connections_opened_total 1\n')
  expect(text).toContain('# UNIT halfclose_connection_duration_seconds seconds')
  expect(exposition(connections, { format: 'text' })).toContain('# TYPE halfclose_connections_opened_total counter')
  expect(exposition(connections, { format: 'text' })).not.toContain('# EOF')
  expect(Object.keys(contentTypes)).toEqual(['openmetrics', 'text'])
})

const REASONS: Record<CloseReason, true> = {
  'client-close': true, idle: true, 'max-requests': true, 'max-age': true, http10: true, 'no-keep-alive': true, draining: true, deadline: true, handler: true, unframed: true,
  'content-length': true, error: true, timeout: true, 'half-closed': true, stalled: true, flood: true, peer: true, upgraded: true, limit: true, pressure: true,
} // biome-ignore format: a list
const ONLY_HTTP1 = ['http10', 'unframed', 'content-length', 'upgraded']

test('there are at most 450 series, whatever happens', async () => {
  const { connections } = await serve()
  let hear: ((event: CloseEvent) => void) | undefined
  const stats = connections.stats()
  const stand: Connections = Object.create(connections, {
    stats: { value: () => stats },
    policy: { value: connections.policy },
    state: { value: 'serving' },
    on: {
      value: (_event: string, listener: (event: CloseEvent) => void) => {
        hear = listener
      },
    },
  })
  exposition(stand)
  const usual = { remote: '', requests: 1, ms: 1, state: 'idle', request: undefined, tls: false, bytes: { read: 0, written: 0 }, promise: 'none', code: undefined } as const // biome-ignore format: a line
  for (const reason of Object.keys(REASONS).filter((name): name is CloseReason => name in REASONS))
    for (const first of ['server', 'peer'] as const)
      for (const inFlight of [true, false])
        for (const reset of [true, false])
          for (const protocol of ['1.1', '2'] as const) {
            if (protocol === '2' && ONLY_HTTP1.includes(reason)) continue
            if (protocol === '1.1' && reason === 'flood') continue
            hear?.({ ...usual, reason, first, inFlight, reset, protocol })
          }
  const series = Object.keys(parsed(exposition(stand)))
  expect(series.length).toBeLessThanOrEqual(450)
  expect(series.length).toBeGreaterThan(400)
})

test('several servers of one handle are counted together; a second handle needs a registry, or a meter, of its own', async () => {
  const one = await serve()
  const other = await serve()
  const register = new client.Registry()
  const { provider, meter } = exporting()
  prometheus(one.connections, { client, registers: [register] })
  opentelemetry(one.connections, { meter })
  for (const again of [
    () => prometheus(other.connections, { client, registers: [register] }),
    () => opentelemetry(other.connections, { meter }),
  ])
    expect(again).toThrow(expect.objectContaining({ code: 'HALFCLOSE_METRICS_TAKEN' }))
  // The same handle again, and one after another that has drained.
  prometheus(one.connections, { client, registers: [register] })
  await within(one.connections.drain(), () => 'the drain')
  const stop = prometheus(other.connections, { client, registers: [register] })
  opentelemetry(other.connections, { meter })
  await (await other.open()).ask(get('/'))
  expect(parsed(await register.metrics())).toMatchObject({ 'halfclose_connections_opened_total{}': 1 })
  stop()
  expect(parsed(await register.metrics())).toEqual({})
  await provider.shutdown()
})

test('nothing is noted of an end unless somebody listens', async () => {
  const { connections, open } = await serve()
  const noted = jest.fn()
  await (await open()).ask(get('/', 'Connection: close'))
  await until('it to have ended', () => connections.stats().connections.closed === 1)
  const stop = prometheus(connections, { client, registers: [new client.Registry()] })
  connections.on('close', noted)
  await (await open()).ask(get('/', 'Connection: close'))
  await until('it to have ended', () => connections.stats().connections.closed === 2)
  stop()
  expect(noted).toHaveBeenCalledTimes(1)
})

test('one metric that is read by itself is as new as all of them', async () => {
  const { connections, open } = await serve()
  const register = new client.Registry()
  const stop = prometheus(connections, { client, registers: [register] })
  expect(await register.getSingleMetricAsString('halfclose_connections_opened_total')).toContain(' 0')
  await (await open()).ask(get('/'))
  expect(await register.getSingleMetricAsString('halfclose_requests_total')).toContain('{outcome="finished"} 1')
  expect(await register.getSingleMetricAsString('halfclose_connections_opened_total')).toContain(' 1')
  stop()
})
