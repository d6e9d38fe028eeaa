import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { describeWith, find } from '../../test/clients/client.js'
import { until, within } from '../../test/support/wait.js'
import { Program } from '../testing/child.js'
import { freePort } from '../testing/ports.js'
import { Scraper } from '../testing/prometheus.js'
import { RawClient } from '../testing/raw-client.js'

// What is in docs/grafana: the dashboard is what Grafana imports, and its queries and those of the alerts find what there is.

const read = (file: string) => readFileSync(path.join(__dirname, '../../docs/grafana', file), 'utf8')

interface Source {
  type: string
  uid: string
}
interface Panel {
  id: number
  type: string
  title: string
  description: string
  datasource: Source
  gridPos: { x: number; y: number; w: number; h: number }
  targets: { expr: string; refId: string; datasource: Source; legendFormat?: string }[]
  fieldConfig: { defaults: { unit?: string }; overrides: unknown[] }
  options: { legend?: { calcs: unknown[] }; reduceOptions?: object }
}
interface Dashboard {
  id?: number
  uid: string
  title: string
  schemaVersion: number
  templating: { list: { name: string; type: string; query: string | { query: string }; current?: object }[] }
  panels: Panel[]
  __inputs?: unknown
}

const dashboard: Dashboard = JSON.parse(read('halfclose.json'))
const { panels, templating } = dashboard
const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))
/** `expr:` of rules, on one line or folded. */
const alerts = [...read('alerts.yaml').matchAll(/expr: (?:>-\n)?([\s\S]*?)\n {8}\w+:/g)].map(([, expr = '']) => expr)

const running: { kill(): void }[] = []
afterEach(() => {
  for (const one of running.splice(0).reverse()) one.kill()
})

async function start(env: Record<string, string>): Promise<{ service: Program; port: number }> {
  const service = new Program(process.execPath, [path.join(__dirname, 'http.mjs')], { NODE_ENV: 'production', PORT: '0', ...env })
  running.push(service)
  const [, port] = await within(service.line(/listening on port (\d+)/), () => 'http.mjs')
  return { service, port: Number(port) }
}

const get = 'GET / HTTP/1.1\r\nHost: example\r\n\r\n'
const getAndClose = 'GET / HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n'

async function answered(port: number, request: string): Promise<RawClient> {
  const client = await RawClient.connect(port)
  client.write(request)
  await client.response()
  return client
}

/** A client that resets amid the head of its request. */
async function resetsAmidHead(port: number): Promise<void> {
  const socket = net.connect(port, '127.0.0.1')
  await once(socket, 'connect')
  socket.write('GET / HT')
  await new Promise((resolve) => setTimeout(resolve, 300))
  socket.resetAndDestroy()
}

test('the dashboard is complete: no id of another Grafana, one source of data that one chooses, panels that do not overlap', () => {
  expect([dashboard.id, dashboard.__inputs, dashboard.uid, dashboard.schemaVersion >= 36]).toEqual([
    undefined,
    undefined,
    'halfclose',
    true,
  ])
  expect(templating.list.map(({ name, type }) => [name, type])).toEqual([['datasource', 'datasource'], ['job', 'query'], ['instance', 'query']]) // biome-ignore format: a list
  expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length)
  const cells = new Set<string>()
  for (const { title, type, description, datasource, gridPos, targets, fieldConfig, options } of panels) {
    const { x, y, w, h } = gridPos
    expect([title, x >= 0 && x + w <= 24, ['timeseries', 'stat', 'state-timeline'].includes(type)]).toEqual([title, true, true])
    for (let column = x; column < x + w; column++)
      for (let row = y; row < y + h; row++) {
        expect([title, cells.has(`${column} ${row}`)]).toEqual([title, false])
        cells.add(`${column} ${row}`)
      }
    expect(description).toMatch(/\w\.$/)
    expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length)
    for (const { uid } of [datasource, ...targets.map((target) => target.datasource)])
      expect([title, uid]).toEqual([title, '${' + 'datasource}'])
    expect(fieldConfig.overrides).toEqual(expect.any(Array))
    // What Grafana's schema demands of each kind.
    if (type === 'stat') expect(options).toEqual(expect.objectContaining({ reduceOptions: expect.anything() }))
    else expect(options.legend?.calcs).toEqual([])
  }
})

/** The metrics and labels that a PromQL expression names. */
const namesIn = (text: string): string[] => [...new Set(text.match(/halfclose_[a-z_]+/g) ?? [])]

test('the dashboard and the alerts ask for metrics that there are, all of them, with labels that they have', async () => {
  const metrics = await freePort()
  const { port } = await start({ METRICS_PORT: String(metrics) })
  await (await answered(port, getAndClose)).ended()
  let exposed = ''
  await until('an end to be counted', async () => {
    const answer = await fetch(`http://127.0.0.1:${metrics}`)
    expect(answer.headers.get('content-type')).toContain('application/openmetrics-text')
    exposed = await answer.text()
    return exposed.includes('halfclose_connections_closed_total{')
  })
  const existing = new Set([...exposed.matchAll(/^(halfclose_[a-z_]+)/gm)].map(([, name = '']) => name))
  const labels = new Set([...exposed.matchAll(/([a-z_]+)="/g)].map(([, name = '']) => name))
  // What has not happened here, and what Prometheus adds.
  for (const name of ['error_type', 'job', 'instance']) labels.add(name)
  const asked = [...queries, ...alerts]
  for (const expr of asked) {
    for (const name of namesIn(expr)) expect(existing).toContain(name)
    for (const [, label = ''] of expr.matchAll(/[{,]\s*([a-z_]+)\s*(?:=~|!=|=)"/g)) expect(labels).toContain(label)
  }
  // Each is shown somewhere.
  const families = [...existing].map((name) => name.replace(/_(?:bucket|sum|count)$/, ''))
  for (const family of families) expect(asked.join()).toContain(family)
  expect(panels.find(({ title }) => title.includes('502'))?.description).toMatch(/`behind`.*`keepAlive.hold`/)
}, 30_000)

describeWith(find('prometheus'), 'Prometheus', 'Debian’s package prometheus is not installed', (program) => {
  test('every query of the dashboard finds something, and every alert can be asked', async () => {
    const metrics = await freePort()
    const { service, port } = await start({ METRICS_PORT: String(metrics), DRAIN_DELAY: '20000' })
    const scraper = await Scraper.start(program, [metrics])
    running.push(scraper)
    await answered(port, getAndClose)
    await resetsAmidHead(port)
    // It is closed when its hold of six seconds is over.
    const idle = await answered(port, get)
    await within(idle.ended(), () => 'the end of an idle connection', 20_000)
    await answered(port, get)
    service.terminate()
    await scraper.reaches('halfclose_server_state{state="leaving"}', 1)
    for (const query of queries) {
      const asked = query.replaceAll('$job', '.*').replaceAll('$instance', '.*').replaceAll('$__rate_interval', '1m')
      expect(asked).not.toContain('$')
      await until(`${asked} to find something`, async () => (await scraper.finds(asked)) > 0)
    }
    for (const alert of alerts) await scraper.finds(alert)
    // The variables: `label_values(halfclose_connections{job=~"$job"}, instance)`.
    for (const { query } of templating.list) {
      const [, series, label] = /^label_values\((.*), (\w+)\)$/.exec(typeof query === 'string' ? query : query.query) ?? []
      if (series !== undefined) expect(await scraper.finds(`count by (${label}) (${series.replace('$job', '.*')})`)).toBe(1)
    }
  }, 90_000)
})
