import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import path from 'node:path'
import { attach, type CloseEvent, type CloseReason, type Connections, type Options } from '@halfclose/core'
import { contentTypes, exposition, opentelemetry, prometheus } from '@halfclose/core/metrics'
import { createNoopMeter } from '@opentelemetry/api'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import * as client from 'prom-client'
import { get, post } from '../../../test/support/requests.js'
import { endedAfterEach, listening, quiet } from '../../../test/support/server.js'
import { until, within } from '../../../test/support/wait.js'
import { errorTypeOf } from '../src/metrics/error-type.js'

// The metrics of one server, by three ways: the text that is ours, prom-client and the SDK of OpenTelemetry. All tell the same.

const opened = endedAfterEach()

async function serve(options: Options = {}, listener: RequestListener = (_req, res) => void res.end('x')) {
  const server = createServer(listener)
  const connections = attach(server, { logger: quiet, drain: 'fast', ...options })
  opened.after(() => within(connections.drain({ fast: true }), () => 'the drain'))
  const port = await listening(server)
  const open = () => opened.connect(port)
  return { server, connections, open }
}

type Values = Record<string, number>

/** `name{label="value"} 1` → value, by name and labels in order. */
function parsed(text: string): Values {
  const values: Values = {}
  for (const line of text.split('\n')) {
    const [, name = '', labels = '', value = ''] = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? []
    if (name.startsWith('halfclose')) values[keyOf(name, labels.split(',').filter(Boolean))] = rounded(Number(value))
  }
  return values
}

/** The same values are added up in a different order. */
const rounded = (value: number): number => Math.round(value * 1e6) / 1e6

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
      values[keyOf(`${base}_sum`, labels)] = rounded(value.sum ?? 0)
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
    'halfclose_connection_duration_seconds_count{error_type="max_concurrent_connections_exceeded",network_protocol_version="1.1"}': 1,
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
const CODES = [undefined, 'ECONNRESET', 'ERR_HTTP_REQUEST_TIMEOUT', 'HPE_INVALID_METHOD', 'HPE_INVALID_HEADER_TOKEN', 'HPE_HEADER_OVERFLOW', 'HPE_INVALID_CHUNK_SIZE', 'HPE_INVALID_EOF_STATE'] // biome-ignore format: a list

/** Every event that there could be, and more: no connection ends in most of these ways. */
function* everyEnd(): Iterable<CloseEvent> {
  const usual = { remote: '', requests: 1, ms: 1, tls: false, bytes: { read: 0, written: 0 } } as const
  for (const protocol of ['1.1', '2'] as const)
    for (const reason of Object.keys(REASONS).filter((name): name is CloseReason => name in REASONS))
      for (const first of ['server', 'peer'] as const)
        for (const request of [undefined, 'receiving', 'handler', 'sending'] as const)
          for (const reset of [true, false])
            for (const state of ['silent', 'busy', 'idle', 'closing', 'lingering', 'upgraded'] as const)
              for (const promise of ['none', 'kept'] as const)
                for (const code of CODES)
                  yield {
                    ...usual,
                    reason,
                    first,
                    inFlight: request !== undefined,
                    request,
                    reset,
                    protocol,
                    state,
                    promise,
                    code,
                  }
}

test('there are at most 450 series, whatever happens, and every failure is counted', async () => {
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
  let failures = 0
  let all = 0
  for (const event of everyEnd()) {
    all++
    if (errorTypeOf(event) !== undefined) failures++
    hear?.(event)
  }
  const values = parsed(exposition(stand))
  const series = Object.keys(values)
  expect(series.length).toBeLessThanOrEqual(450)
  expect(series.length).toBeGreaterThan(400)
  const counts = Object.entries(values).filter(([key]) => key.startsWith('halfclose_connection_duration_seconds_count'))
  expect(counts.reduce((sum, [, n]) => sum + n, 0)).toBe(all)
  expect(counts.filter(([key]) => key.includes('error_type=')).reduce((sum, [, n]) => sum + n, 0)).toBe(failures)
  expect(counts.map(([key]) => key).filter((key) => key.includes('_OTHER')).length).toBeGreaterThan(0)
})

test('error.type has the words that docs/observability.md explains, and no other', () => {
  const words = new Set([...everyEnd()].map(errorTypeOf).filter((type) => type !== undefined))
  const docs = readFileSync(path.join(__dirname, '../../../docs/observability.md'), 'utf8')
  const explained = [...docs.matchAll(/^\| `([a-z_]+)` \| (?:yes|no) \|/gm)].map(([, word = '']) => word)
  expect(explained.sort()).toEqual([...words].sort())
})

test.each<[string, Partial<CloseEvent>, string | undefined]>([
  ['an idle close', { reason: 'idle' }, undefined],
  ['a drain', { reason: 'draining' }, undefined],
  ['a promise that the deadline broke', { reason: 'deadline', promise: 'broken' }, undefined],
  ['one that is too old', { reason: 'max-age', state: 'closing' }, undefined],
  ['the last of so many requests', { reason: 'max-requests', state: 'closing' }, undefined],
  ['a client that leaves', { reason: 'client-close', first: 'peer' }, undefined],
  ['a client that resets an idle connection', { reason: 'peer', first: 'peer', reset: true }, undefined],
  ['one that never sent a byte', { reason: 'error', state: 'silent', code: 'ERR_HTTP_REQUEST_TIMEOUT' }, undefined],
  ['an idle one at server.setTimeout()', { reason: 'timeout' }, undefined],
  ['one over `limits.idle`', { reason: 'limit' }, undefined],
  ['the same without an answer to our FIN', { reason: 'limit', state: 'lingering', promise: 'kept' }, undefined],
  ['one over `limits.connections`', { reason: 'limit', state: 'closing' }, 'max_concurrent_connections_exceeded'],
  [
    'a client that resets amid its request',
    { reason: 'peer', first: 'peer', reset: true, request: 'handler' },
    'connection_reset',
  ],
  ['a client that leaves amid a head', { reason: 'client-close', first: 'peer', request: 'receiving' }, 'connection_reset'],
  [
    'a client that resets amid its last response',
    { reason: 'max-requests', first: 'peer', reset: true, request: 'sending' },
    'connection_reset',
  ],
  ['a reset at the deadline', { reason: 'deadline', reset: true, request: 'sending' }, 'app_shutdown_timeout'],
  ['a half-closed client at the deadline', { reason: 'deadline', first: 'peer', request: 'handler' }, 'app_shutdown_timeout'],
  ['a handler that destroys', { reason: 'handler', request: 'handler' }, 'aborted_by_app'],
  ['the same for a half-closed client', { reason: 'handler', first: 'peer', request: 'handler' }, 'aborted_by_app'],
  [
    'a body that is late',
    { reason: 'error', code: 'ERR_HTTP_REQUEST_TIMEOUT', request: 'receiving' },
    'min_request_body_data_rate',
  ],
  ['a chunk that is none', { reason: 'error', code: 'HPE_INVALID_CHUNK_SIZE', request: 'receiving' }, 'other_error'],
])('%s: %j is %s', (_title, event, type) => {
  const idle: CloseEvent = { reason: 'idle', first: 'server', remote: '', requests: 1, ms: 1, state: 'idle', inFlight: false, request: undefined, protocol: '1.1', tls: false, bytes: { read: 0, written: 0 }, reset: false, promise: 'none', code: undefined } // biome-ignore format: a line
  const state = event.request === undefined ? idle.state : 'busy'
  expect(errorTypeOf({ ...idle, state, ...event, inFlight: event.request !== undefined })).toBe(type)
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

/** A connection that carries a request, and has ended. */
async function oneConnection({ connections, open }: Awaited<ReturnType<typeof serve>>): Promise<void> {
  const { closed } = connections.stats().connections
  await (await open()).ask(get('/', 'Connection: close'))
  await until('it to have ended', () => connections.stats().connections.closed === closed + 1)
}

test('asked for again, in another registry or in another way, late or early, the metrics of a handle go on, and all tell the same', async () => {
  const served = await serve()
  const { connections } = served
  const [one, other, third] = [new client.Registry(), new client.Registry(), new client.Registry()]
  const { exporter, provider, meter } = exporting()
  prometheus(connections, { client, registers: [one] })
  opentelemetry(connections, { meter })
  await oneConnection(served)
  const before = parsed(await one.metrics())
  expect(before).toMatchObject({ 'halfclose_connection_requests_count{}': 1 })
  prometheus(connections, { client, registers: [one, other] })
  opentelemetry(connections, { meter })
  expect(parsed(await one.metrics())).toEqual(before)
  await oneConnection(served)
  prometheus(connections, { client, registers: [third] })
  await provider.forceFlush()
  const ours = parsed(exposition(connections))
  expect(ours).toMatchObject({
    'halfclose_connections_closed_total{first="server",in_flight="false",reason="client-close"}': 2,
    'halfclose_connection_duration_seconds_count{network_protocol_version="1.1"}': 2,
  })
  for (const register of [one, other, third]) expect(parsed(await register.metrics())).toEqual(ours)
  expect(translated(exporter)).toEqual(ours)
  await provider.shutdown()
})

test('metrics are removed when each call that asked for them has taken that back, and go on where they are asked for later', async () => {
  const served = await serve()
  const { connections, server } = served
  const register = new client.Registry()
  const { exporter, provider, meter } = exporting()
  const stops = [
    prometheus(connections, { client, registers: [register] }),
    prometheus(connections, { client, registers: [register] }),
    opentelemetry(connections, { meter }),
  ]
  await oneConnection(served)
  void (await served.open()).ask(get('/'))
  await until('it to be answered', () => connections.stats().requests.finished === 2)
  await within(connections.drain(), () => 'the drain')
  await provider.forceFlush()
  stops[0]?.()
  stops[0]?.()
  expect(Object.keys(parsed(await register.metrics())).length).toBeGreaterThan(20)
  stops[1]?.()
  stops[2]?.()
  expect(parsed(await register.metrics())).toEqual({})
  const port = await listening(server)
  prometheus(connections, { client, registers: [register] })
  opentelemetry(connections, { meter })
  const again = await opened.connect(port)
  await again.ask(get('/', 'Connection: close'))
  await until('it to have ended', () => connections.stats().connections.closed === 3)
  const texts = [parsed(exposition(connections)), parsed(await register.metrics())]
  for (const text of texts)
    expect(text).toMatchObject({
      'halfclose_connections_closed_total{first="server",in_flight="false",reason="client-close"}': 2,
      'halfclose_drain_requests_total{outcome="finished"}': connections.stats().drain?.finished,
    })
  expect(texts[1]).toEqual(texts[0])
  await provider.forceFlush()
  expect(translated(exporter)).toMatchObject({
    'halfclose_drain_requests_total{outcome="finished"}': connections.stats().drain?.finished,
    'halfclose_drain_requests_total{outcome="rescued"}': connections.stats().drain?.rescued,
  })
  await provider.shutdown()
})

test('a registry that was cleared, or has lost one metric, gets them all back', async () => {
  const served = await serve()
  const register = new client.Registry()
  const stop = prometheus(served.connections, { client, registers: [register] })
  await oneConnection(served)
  const before = parsed(await register.metrics())
  for (const lose of [() => register.clear(), () => register.removeSingleMetric('halfclose_connections')]) {
    lose()
    prometheus(served.connections, { client, registers: [register] })
    expect(parsed(await register.metrics())).toEqual(before)
  }
  stop()
  expect(parsed(await register.metrics())).toEqual(before)
})

test('a registry of OpenMetrics beside one of the older format, and both for one handle', async () => {
  const served = await serve()
  const openMetrics = new client.Registry<client.OpenMetricsContentType>()
  openMetrics.setContentType(client.Registry.OPENMETRICS_CONTENT_TYPE)
  const registers = [new client.Registry(), openMetrics]
  prometheus(served.connections, { client, registers })
  await oneConnection(served)
  for (let scrape = 0; scrape < 2; scrape++)
    for (const register of registers) expect(parsed(await register.metrics())).toEqual(parsed(exposition(served.connections)))
})

test('two handles in two registries are scraped as one text, as docs/observability.md says', async () => {
  const served = [await serve(), await serve()]
  const registers = served.map(({ connections }, at) => {
    const register = new client.Registry()
    register.setDefaultLabels({ app: `app${at}` })
    prometheus(connections, { client, registers: [register] })
    return register
  })
  for (const one of served) await oneConnection(one)
  const { AggregatorRegistry } = client
  const both = AggregatorRegistry.aggregate(await Promise.all(registers.map((one) => one.getMetricsAsJSON())))
  const text = await both.metrics()
  expect(text.match(/# TYPE halfclose_connections /g)).toHaveLength(1)
  for (const at of [0, 1])
    expect(parsed(text)).toMatchObject({
      [`halfclose_connections_opened_total{app="app${at}"}`]: 1,
      [`halfclose_connection_requests_bucket{app="app${at}",le="1"}`]: 1,
      [`halfclose_policy_hold_seconds{app="app${at}"}`]: 6,
    })
})

test('the workers of a cluster are added up, but not how long each keeps a connection', async () => {
  const served = [await serve(), await serve()]
  const texts = served.map(async ({ connections }) => {
    const register = new client.Registry()
    prometheus(connections, { client, registers: [register] })
    return register.getMetricsAsJSON()
  })
  const { AggregatorRegistry } = client
  const text = await AggregatorRegistry.aggregate(await Promise.all(texts)).metrics()
  expect(parsed(text)).toMatchObject({
    'halfclose_policy_hold_seconds{}': 6,
    'halfclose_policy_promise_seconds{}': 5,
    'halfclose_server_state{state="serving"}': 2,
  })
})

test('without an SDK of OpenTelemetry all meters are one: it takes any number of handles', async () => {
  const [one, other] = [await serve(), await serve()]
  const meter = createNoopMeter()
  const stops = [one, other].map(({ connections }) => opentelemetry(connections, { meter }))
  for (const stop of stops) stop()
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
