import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { attach, type CloseEvent, type Connections, type OpenConnection } from '@halfclose/core'
import { type DrainRecord, recordDrain, renderDrain } from '@halfclose/core/view'
import { Client } from '../../../../test/support/client.js'
import { get } from '../../../../test/support/requests.js'
import { portOf, quiet } from '../../../../test/support/server.js'
import { until, within } from '../../../../test/support/wait.js'
import { LANES, Timeline } from '../../src/view/timeline.js'

test('a record has a lane for each connection of the drain, its states in order, its end, and what was lost', async () => {
  const server = createServer((req, res) => void (req.url === '/' && res.end('x')))
  const connections = attach(server, { logger: quiet, keepAlive: { timeout: 1_000 }, drain: { deadline: 2_500 } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const recorded = recordDrain(connections, { every: 20 })
  const [held, idle] = [await Client.open({ port: portOf(server) }), await Client.open({ port: portOf(server) })]
  const ports = [held, idle].map(({ raw }) => `127.0.0.1:${raw.localPort}`)
  await idle.ask(get('/'))
  await held.send(get('/held?secret=1'))
  await until('both', () => connections.list({ state: 'busy' }).length === 1)
  await within(connections.drain({ reason: 'SIGTERM' }), () => 'the drain')
  const { title, summary, marks, lanes, more, ms } = await within(recorded, () => 'the record')
  expect({ title, more }).toEqual({ title: 'SIGTERM', more: 0 })
  expect(summary).toMatch(/^drained in [\d.]+ s \(SIGTERM\): 0 requests answered, 1 cut; 2 connections closed$/)
  expect(marks.map(({ text }) => text)).toEqual(['SIGTERM', 'draining', 'drained'])
  expect(lanes.map(({ remote }) => remote).sort()).toEqual([...ports].sort())
  const lane = (port: string | undefined) => lanes.find(({ remote }) => remote === port)
  expect(lane(ports[0])?.lost).toEqual([{ at: expect.any(Number), text: 'cut (deadline): GET /held: the handler' }])
  expect(lane(ports[0])?.end?.text).toBe('deadline, closed by the server first')
  expect(lane(ports[1])?.lost).toEqual([])
  expect(lane(ports[1])?.end?.text).toMatch(/^(draining|client-close|idle), closed by the /)
  for (const { spans, end } of lanes) {
    expect(spans.length).toBeGreaterThan(0)
    let at = 0
    for (const [from, to] of spans) {
      expect(from).toBeGreaterThanOrEqual(at)
      expect(to).toBeGreaterThanOrEqual(from)
      at = to
    }
    expect(end?.at).toBeLessThanOrEqual(ms)
  }
  expect(JSON.stringify(lanes)).not.toContain('secret')
  for (const client of [held, idle]) client.destroy()
})

test('a request that was answered just before the deadline is not lost, and one that its handler destroys is', async () => {
  const held: ServerResponse[] = []
  const server = createServer((_req, res) => void held.push(res))
  const connections = attach(server, { logger: quiet, drain: { deadline: 1_500 } })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  // It looks when the drain begins, and no more.
  const recorded = recordDrain(connections, { every: 60_000 })
  const [answered, destroyed] = [await Client.open({ port: portOf(server) }), await Client.open({ port: portOf(server) })]
  for (const [at, client] of [answered, destroyed].entries()) {
    await client.send(get('/held'))
    await until('it', () => held.length === at + 1)
  }
  const ports = [answered, destroyed].map(({ raw }) => `127.0.0.1:${raw.localPort}`)
  const drained = connections.drain({ reason: 'SIGTERM' })
  held[0]?.end('x')
  expect((await answered.next()).text).toBe('x')
  held[1]?.destroy()
  await within(drained, () => 'the drain')
  const { lanes } = await within(recorded, () => 'the record')
  const lost = ports.map((port) => lanes.find(({ remote }) => remote === port)?.lost.map(({ text }) => text))
  expect(lost).toEqual([[], ['cut (handler): GET /held: the handler']])
  for (const client of [answered, destroyed]) client.destroy()
})

/** A handle that has listed, and closed, many connections. */
class Many {
  readonly listeners: ((event: CloseEvent) => void)[] = []
  open: OpenConnection[] = []
  readonly handle = {
    list: ({ limit }: { limit: number }) => this.open.slice(0, limit),
    stats: () => ({ open: { idle: this.open.length } }),
    on: (_event: string, listener: (event: CloseEvent) => void) => this.listeners.push(listener),
    off: () => {},
  }

  close({ remote }: OpenConnection): void {
    for (const listener of this.listeners)
      Reflect.apply(listener, undefined, [{ remote, reason: 'idle', first: 'server', requests: 1, ms: 5 }])
  }
}

test('however many connections come and go, what is kept of them is bounded', () => {
  const many = new Many()
  const timeline = new Timeline(many.handle as unknown as Connections)
  timeline.watch()
  const one = (id: number) =>
    ({ id, remote: `10.0.0.1:${id}`, state: 'idle', ms: 0, age: 0, inFlight: 0, waitsFor: 'x' }) as unknown as OpenConnection
  for (let round = 0; round < 50; round++) {
    many.open = Array.from({ length: 300 }, (_, at) => one(round * 300 + at + 1))
    timeline.look()
    for (const each of many.open) many.close(each)
  }
  const { lanes, more } = timeline.record('many', '', 60_000)
  expect(lanes).toHaveLength(LANES)
  expect(more).toBeGreaterThan(1_000)
})

test.each([
  [{ every: -1 }, 'HALFCLOSE_OPTION_RANGE'],
  [{ every: '5' }, 'HALFCLOSE_OPTION_TYPE'],
  [{ title: 5 }, 'HALFCLOSE_OPTION_TYPE'],
  [{ evry: 5 }, 'HALFCLOSE_OPTION_UNKNOWN'],
])('recordDrain(connections, %j) throws %s', (options, code) => {
  const connections = attach(createServer(), { logger: quiet })
  expect(() => Reflect.apply(recordDrain, undefined, [connections, options])).toThrow(expect.objectContaining({ code }))
})

test('a page of a record holds what it was given as data alone', () => {
  const evil = '</script><script>alert(1)</script><!--"\u2028'
  const lane = {
    id: 1,
    remote: evil,
    text: evil,
    spans: [[0, 5, 'busy']],
    end: undefined,
    lost: [{ at: 3, text: evil }],
  } as const
  const record: DrainRecord = {
    title: evil,
    summary: evil,
    began: 0,
    ms: 10,
    marks: [{ at: 1, text: evil }],
    lanes: [lane],
    more: 0,
  }
  const html = renderDrain(record)
  expect(html.match(/<script/g)).toHaveLength(2)
  expect(html.match(/<\/script/g)).toHaveLength(2)
  expect(html).not.toContain('alert(1)</script>')
  expect(html).not.toMatch(/https?:|src=/)
  const [, json = ''] = /id="data">(.*?)<\/script>/s.exec(html) ?? []
  expect(JSON.parse(json)).toEqual(
    [{ ...record, lanes: [{ ...lane, end: undefined }] }].map((each) => JSON.parse(JSON.stringify(each))),
  )
})
