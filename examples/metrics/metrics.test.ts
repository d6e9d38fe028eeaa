import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { attach } from '@halfclose/core'
import { exposition } from '@halfclose/core/metrics'
import { describeWith, find } from '../../test/clients/client.js'
import { until, within } from '../../test/support/wait.js'
import { Program } from '../testing/child.js'
import { freePort } from '../testing/ports.js'
import { Scraper } from '../testing/prometheus.js'
import { RawClient } from '../testing/raw-client.js'

// The services of this folder, seen by Prometheus and by a receiver of OTLP, under load and through a drain.

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nHost: example\r\n${fields}\r\n`
const running: { kill(): void }[] = []

afterEach(() => {
  for (const one of running.splice(0).reverse()) one.kill()
})

async function start(file: string, env: Record<string, string>): Promise<{ service: Program; port: number }> {
  const service = new Program(process.execPath, [path.join(__dirname, file)], { NODE_ENV: 'production', PORT: '0', ...env })
  running.push(service)
  const [, port] = await within(service.line(/(?:listening|listens) on port (\d+)/), () => file)
  return { service, port: Number(port) }
}

/** What the clients of a load have counted by themselves. */
interface Counted {
  answers: number
  closed: number
}

/** Connections that carry three requests each; the last one says close. */
async function load(port: number, connections: number): Promise<Counted> {
  const counted = { answers: 0, closed: 0 }
  const one = async () => {
    const client = await RawClient.connect(port)
    for (const fields of ['', '', 'Connection: close\r\n']) {
      client.write(get('/', fields))
      if ((await client.response()).status === 200) counted.answers++
    }
    await client.ended()
    counted.closed++
  }
  for (let left = connections; left > 0; left -= 10) await Promise.all(Array.from({ length: Math.min(10, left) }, one))
  return counted
}

describeWith(find('prometheus'), 'Prometheus', 'Debian’s package prometheus is not installed', (program) => {
  test.each(['fastify.mjs', 'express.mjs', 'http.mjs'])(
    'has stored of %s what the clients have counted, and sees it leave',
    async (file) => {
      const metrics = await freePort()
      const { service, port } = await start(file, { METRICS_PORT: String(metrics), DRAIN_DELAY: '2000', LOG_LEVEL: 'warn' })
      const scraper = await Scraper.start(program, [metrics])
      running.push(scraper)
      const { answers, closed } = await load(port, 40)
      expect([answers, closed]).toEqual([120, 40])
      const idle = await RawClient.connect(port)
      idle.write(get('/'))
      await idle.response()
      await scraper.reaches('sum(halfclose_requests_total{outcome="finished"})', answers + 1)
      await scraper.reaches('halfclose_connections_opened_total', closed + 1)
      await scraper.reaches('halfclose_connections_closed_total{reason="client-close",first="server",in_flight="false"}', closed)
      await scraper.reaches('halfclose_connections{state="idle"}', 1)
      await scraper.reaches('halfclose_connection_duration_seconds_count', closed)
      await scraper.reaches('halfclose_connection_requests_sum', answers)
      await scraper.reaches('halfclose_connection_requests_bucket{le=~"5|5.0"}', closed)
      await scraper.reaches('sum(halfclose_server_state) by (job)', 1)
      service.terminate()
      await scraper.reaches('halfclose_server_state{state="leaving"}', 1)
      idle.write(get('/'))
      expect((await idle.response()).status).toBe(200)
      await scraper.reaches('halfclose_drain_requests_total{outcome="rescued"}', 1)
      idle.write(get('/', 'Connection: close\r\n'))
      expect((await within(service.exit, () => 'the exit', 20_000)).code).toBe(0)
      expect(await scraper.value('max_over_time(halfclose_drain_requests_total{outcome="cut"}[1m])')).toBe(0)
    },
    60_000,
  )
})

test('the last export over OTLP has what the drain did, since onDrained flushes', async () => {
  const exports: string[] = []
  const receiver = createServer(async (req, res) => {
    exports.push(await text(req))
    res.setHeader('Content-Type', 'application/json').end('{}')
  })
  await once(receiver.listen(0, '127.0.0.1'), 'listening')
  running.push({ kill: () => receiver.close().closeAllConnections() })
  const address = receiver.address()
  const endpoint = `http://127.0.0.1:${isAddress(address) ? address.port : 0}`
  const { service, port } = await start('otlp.mjs', { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, DRAIN_DELAY: '300' })
  const { answers } = await load(port, 3)
  const idle = await RawClient.connect(port)
  idle.write(get('/'))
  await idle.response()
  service.terminate()
  await until(
    'it to leave',
    async () => (await fetch(`http://127.0.0.1:${port}/ready`, { headers: { connection: 'close' } })).status === 503,
  )
  idle.write(get('/', 'Connection: close\r\n'))
  expect((await idle.response()).status).toBe(200)
  expect((await within(service.exit, () => 'the exit', 20_000)).code).toBe(0)
  const points = pointsOf(exports.at(-1) ?? '')
  expect(points.get('halfclose.drain.requests rescued')).toBe(1)
  expect(points.get('halfclose.drain.requests cut')).toBe(0)
  expect(points.get('halfclose.server.state drained')).toBe(1)
  expect(points.get('halfclose.requests finished')).toBeGreaterThanOrEqual(answers + 2)
}, 60_000)

interface Exported {
  resourceMetrics: { scopeMetrics: { metrics: Record<string, { dataPoints?: Point[] } | string>[] }[] }[]
}
interface Point {
  attributes: { key: string; value: { stringValue?: string } }[]
  asInt?: number
  asDouble?: number
}

/** `name attribute` → value. */
function pointsOf(body: string): Map<string, number> {
  const { resourceMetrics }: Exported = JSON.parse(body)
  const points = new Map<string, number>()
  for (const metric of resourceMetrics.flatMap((one) => one.scopeMetrics.flatMap(({ metrics }) => metrics))) {
    for (const kind of ['sum', 'gauge'] as const) {
      const data = metric[kind]
      if (typeof data !== 'object') continue
      for (const { attributes, asInt, asDouble } of data.dataPoints ?? [])
        points.set(`${metric.name} ${attributes[0]?.value.stringValue ?? ''}`, Number(asInt ?? asDouble))
    }
  }
  return points
}

const isAddress = (address: AddressInfo | string | null): address is AddressInfo =>
  typeof address === 'object' && address !== null

const root = path.join(__dirname, '../..')

describeWith(find('promtool'), 'promtool', 'Debian’s package prometheus is not installed', (program) => {
  test('finds nothing to say about the metrics, by prom-client and by our own text, nor about the rules', async () => {
    const metrics = await freePort()
    const { port } = await start('fastify.mjs', { METRICS_PORT: String(metrics), LOG_LEVEL: 'warn' })
    await load(port, 1)
    const server = createServer((_req, res) => res.end('x'))
    const connections = attach(server, { logger: { info() {}, warn() {} }, drain: 'fast' })
    exposition(connections)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const address = server.address()
    await load(isAddress(address) ? address.port : 0, 1)
    const texts = [await (await fetch(`http://127.0.0.1:${metrics}`)).text(), exposition(connections, { format: 'text' })]
    await connections.drain()
    texts.push(await ofTwoApplications())
    for (const input of texts) {
      const { status, stdout, stderr } = spawnSync(program, ['check', 'metrics'], { input, encoding: 'utf8' })
      expect({ status, said: stdout + stderr }).toEqual({ status: 0, said: '' })
    }
    const { status } = spawnSync(program, ['check', 'rules', path.join(root, 'docs/grafana/alerts.yaml')])
    expect(status).toBe(0)
  }, 30_000)
})

/** The text of two.mjs, after some requests to one of its applications. */
async function ofTwoApplications(): Promise<string> {
  const metrics = await freePort()
  const { service, port } = await start('two.mjs', { METRICS_PORT: String(metrics), ADMIN_PORT: '0', LOG_LEVEL: 'warn' })
  await within(service.line(/admin listens/), () => 'the other application')
  await load(port, 2)
  const text = await (await fetch(`http://127.0.0.1:${metrics}`)).text()
  const opened = [...text.matchAll(/^halfclose_connections_opened_total\{app="(\w+)"\} (\d+)$/gm)]
  expect(opened.map(([, app, value]) => [app, value])).toEqual([['site', '2'], ['admin', '0']]) // biome-ignore format: a line
  return text
}
