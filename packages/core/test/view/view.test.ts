import { spawn } from 'node:child_process'
import { getEventListeners, once } from 'node:events'
import { createServer, type Server } from 'node:http'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { attach, type Connections } from '@halfclose/core'
import { govern } from '@halfclose/core/adapter'
import { view } from '@halfclose/core/view'
import { Client } from '../../../../test/support/client.js'
import { ask, get } from '../../../../test/support/requests.js'
import { portOf, quiet } from '../../../../test/support/server.js'
import { until, within } from '../../../../test/support/wait.js'
import { Streams } from '../../src/view/streams.js'

/** An application that answers nothing, under a policy, and the view of it on a server of its own. */
class Viewed {
  readonly app = createServer()
  readonly connections: Connections = attach(this.app, { logger: quiet, drain: 'fast' })
  readonly clients: Client[] = []

  constructor(readonly server: Server = createServer()) {}

  static async start(hosts?: readonly string[]): Promise<Viewed> {
    const viewed = new Viewed()
    viewed.server.on('request', view(viewed.connections, { hosts }))
    for (const server of [viewed.app, viewed.server]) await once(server.listen(0, '127.0.0.1'), 'listening')
    return viewed
  }

  async client(server: Server): Promise<Client> {
    const client = await Client.open({ port: portOf(server) })
    this.clients.push(client)
    return client
  }

  /** What the view answers to a request, whose Host is `a` unless it says otherwise. */
  async answer(request: string, host = '127.0.0.1:9464') {
    const client = await this.client(this.server)
    return client.ask(request.replace('Host: a', `Host: ${host}`))
  }

  async dispose(): Promise<void> {
    for (const client of this.clients) client.destroy()
    this.server.close()
    await within(this.connections.drain(), () => 'the drain')
  }
}

let viewed: Viewed
beforeEach(async () => {
  viewed = await Viewed.start(['ops.internal'])
})
afterEach(() => viewed.dispose())

test.each([
  ['127.0.0.1', 200],
  ['127.0.0.1:9464', 200],
  ['127.8.9.10', 200],
  ['localhost:80', 200],
  ['LocalHost', 200],
  ['[::1]:9464', 200],
  ['[::1]', 200],
  ['LOCALHOST:9464', 200],
  ['ops.internal:9464', 200],
  ['OPS.internal', 200],
  ['evil.example', 403],
  ['localhost.evil.example', 403],
  ['127.0.0.1.evil.example', 403],
  ['evil.example:127.0.0.1', 403],
  ['user@localhost', 403],
  ['localhost.', 403],
  ['localhost evil.example', 403],
  ['10.0.0.7', 403],
  ['0.0.0.0:9464', 403],
  ['[::]:9464', 403],
  ['[::1].evil.example', 403],
  ['[::ffff:10.0.0.7]', 403],
  ['localhost:80:80', 403],
  ['LOCALHOST.:9464', 403],
  ['ops.internal.evil.example', 403],
  ['', 403],
])('a request for the host %p gets %d', async (host, status) => {
  for (const path of ['/', '/?format=json', '/?format=text', '/?format=nothing', '/other']) {
    const answer = await viewed.answer(get(path), host)
    if (status === 403) expect([path, answer.status]).toEqual([path, 403])
    else expect([path, answer.status]).not.toEqual([path, 403])
  }
})

test('nor does a name in the request line make up for one in Host, and HTTP/1.0 without a Host gets nothing', async () => {
  expect((await viewed.answer(get('http://localhost/'), 'evil.example')).status).toBe(403)
  expect((await viewed.answer(get('http://evil.example/'), 'localhost')).status).toBe(404)
  const old = await viewed.client(viewed.server)
  expect((await old.ask('GET / HTTP/1.0\r\n\r\n')).status).toBe(403)
})

test.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])('%s is refused', async (method) => {
  const answer = await viewed.answer(ask(method, '/', 'Content-Length: 0'))
  expect([answer.status, answer.header('allow')]).toEqual([405, 'GET, HEAD'])
})

test('HEAD gets the head alone, of the event stream too', async () => {
  for (const path of ['/', '/?format=json', '/?format=text', '/?format=events']) {
    const answer = await viewed.answer(ask('HEAD', path))
    expect([answer.status, answer.text]).toEqual([200, ''])
  }
  expect((await viewed.answer(get('/?format=xml'))).status).toBe(400)
  expect((await viewed.answer(get('/favicon.ico'))).status).toBe(404)
})

test('the page is under 25 kB, loads nothing, and says so to the browser', async () => {
  const answer = await viewed.answer(get('/'))
  expect(answer.body.length).toBeLessThan(25_000)
  expect(answer.text).not.toMatch(/https?:|src=|@import|url\(/)
  const policy = answer.header('content-security-policy')
  expect(policy).toMatch(/^default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+';/)
  expect(policy).not.toContain('unsafe')
  expect(answer.header('x-content-type-options')).toBe('nosniff')
  expect(answer.header('cross-origin-resource-policy')).toBe('same-origin')
  expect(answer.header('access-control-allow-origin')).toBeUndefined()
  expect(answer.header('cache-control')).toBe('no-store')
})

test('as JSON and as text it says what list() and stats() say', async () => {
  const held = await viewed.client(viewed.app)
  await held.send(get('/held?secret=1'))
  await until('the request', () => viewed.connections.list({ state: 'busy' }).length === 1)
  const { state, remaining, open, connections } = JSON.parse((await viewed.answer(get('/?format=json'))).text)
  expect({ state, remaining, busy: open.busy }).toEqual({ state: 'serving', remaining: null, busy: 1 })
  expect(connections).toEqual([
    expect.objectContaining({ remote: `127.0.0.1:${held.raw.localPort}`, path: '/held', waitsFor: 'the handler' }),
  ])
  const { text: printed } = await viewed.answer(get('/?format=text'))
  expect(printed).toMatch(/^serving: 1 busy open\n\nSTATE .*\nbusy .* GET \/held +the handler\n$/s)
  expect(printed).not.toContain('secret')
})

test('an event stream tells each second, and at once where the state changes; at the end of the drain it ends', async () => {
  const frames: { state: string; open: Record<string, number>; record: { lanes: unknown[]; marks: { text: string }[] } }[] = []
  let rest = ''
  let ended = false
  const answer = await fetch(`http://127.0.0.1:${portOf(viewed.server)}/?format=events`)
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  const reading = (async () => {
    const decoder = new TextDecoder()
    for await (const chunk of answer.body ?? []) {
      const events = (rest + decoder.decode(chunk)).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) frames.push(JSON.parse(event.replace(/^data: /, '')))
    }
    ended = true
  })()
  const held = await viewed.client(viewed.app)
  await held.send(get('/held'))
  await until('a frame with the request', () => frames.at(-1)?.open.busy === 1)
  expect(frames.at(-1)?.record.lanes).toHaveLength(1)
  void viewed.connections.drain({ reason: 'SIGTERM' })
  await until('the end', () => ended)
  await reading
  expect(frames.map(({ state }) => state)).toEqual(expect.arrayContaining(['serving', 'leaving', 'draining', 'drained']))
  expect(frames.at(-1)?.record.marks[0]?.text).toBe('SIGTERM')
})

test('while no page is open nothing is looked at, and nobody listens for closes', async () => {
  const on = jest.spyOn(viewed.connections, 'on')
  const off = jest.spyOn(viewed.connections, 'off')
  const list = jest.spyOn(viewed.connections, 'list')
  const abort = new AbortController()
  const answer = await fetch(`http://127.0.0.1:${portOf(viewed.server)}/?format=events`, { signal: abort.signal })
  expect(answer.status).toBe(200)
  expect(on.mock.calls.map(([event]) => event)).toEqual(['close'])
  abort.abort()
  await until('its end', () => off.mock.calls.length === 1)
  const looks = list.mock.calls.length
  await new Promise((resolve) => setTimeout(resolve, 1_300))
  expect(list.mock.calls.length).toBe(looks)
})

test('twenty pages at once, and no more', async () => {
  const clients: Client[] = []
  for (let i = 0; i < 20; i++) {
    const client = await viewed.client(viewed.server)
    clients.push(client)
    await client.send(get('/?format=events').replace('Host: a', 'Host: localhost'))
    await client.head(0)
  }
  expect((await viewed.answer(get('/?format=events'))).status).toBe(503)
})

test('a page that does not read makes room for others, and one that reads stays', async () => {
  for (let i = 0; i < 60; i++) await viewed.client(viewed.app)
  await until('all', () => viewed.connections.list().length === 60)
  const streams = new Streams(viewed.connections, 1)
  const ended: string[] = []
  const server = createServer((req, res) => {
    res.on('close', () => ended.push(req.url ?? ''))
    streams.open(req, res, {})
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const [reads, stuck] = [await viewed.client(server), await viewed.client(server)]
  await reads.send(get('/reads'))
  await stuck.send(get('/stuck'))
  await stuck.head(0)
  stuck.stream.pause()
  await until('it to end', () => ended.length > 0)
  expect(ended).toEqual(['/stuck'])
  reads.destroy()
  await until('the other one to end', () => ended.length === 2)
  server.close()
}, 30_000)

test('a page of text commands no terminal, and no line of it is of a client’s making', async () => {
  const held = await viewed.client(viewed.app)
  await held.send(get(`/${encodeURIComponent('\u202e')}/<b>"'&;\`$(x)`))
  await until('the request', () => viewed.connections.list({ state: 'busy' }).length === 1)
  const { text: printed } = await viewed.answer(get('/?format=text'))
  expect(printed.trimEnd().split('\n')).toHaveLength(4)
  expect(printed).toMatch(/^[\n\P{C}]+$/u)
})

test.each([
  [{ hosts: 'ops.internal' }, 'HALFCLOSE_OPTION_TYPE', '`view.hosts` must be an array of host names'],
  [{ hosts: [3] }, 'HALFCLOSE_OPTION_TYPE', 'got 3 (number)'],
  [{ hosts: ['http://ops.internal/'] }, 'HALFCLOSE_OPTION_TYPE', '`view.hosts`'],
  [{ host: ['ops.internal'] }, 'HALFCLOSE_OPTION_UNKNOWN', 'did you mean `view.hosts`?'],
  [3, 'HALFCLOSE_OPTION_TYPE', 'an object such as'],
])('view(connections, %j) throws %s', (options, code, words) => {
  expect(() => Reflect.apply(view, undefined, [viewed.connections, options])).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(words) }),
  )
})

test('no adapter, nor --import register, takes the server of a view for the application’s', async () => {
  const handler = view(viewed.connections)
  const governed = govern(
    { name: 'test', handler, alsoKnown: [], already: 'already', closing: 'nothing' },
    { drain: 'fast', logger: quiet },
  )
  const server = createServer(handler)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  expect(governed.connections.stats().connections.opened).toBe(0)
  const client = await Client.open({ port: portOf(server) })
  await client.ask(get('/').replace('Host: a', 'Host: localhost'))
  expect(governed.connections.stats().connections.opened).toBe(0)
  client.destroy()
  server.close()
  governed.release()
})

test.each(['the same handle', 'another handle'])(
  'where its server is governed by %s, an open page holds no drain of that',
  async (whose) => {
    const server = createServer()
    const connections = attach(server, { logger: quiet, drain: { deadline: 20_000 } })
    server.on('request', view(whose === 'another handle' ? viewed.connections : connections))
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const client = await Client.open({ port: portOf(server) })
    await client.send(get('/?format=events').replace('Host: a', 'Host: localhost'))
    await client.head(0)
    const { clean, ms, heldBy } = await within(connections.drain(), () => 'the drain', 15_000)
    expect({ clean, heldBy }).toEqual({ clean: true, heldBy: [] })
    expect(ms).toBeLessThan(15_000)
    client.destroy()
  },
)

test('a page that has gone leaves nothing on the signal of its server', async () => {
  const server = createServer()
  const connections = attach(server, { logger: quiet, drain: 'fast' })
  server.on('request', view(connections))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const listening = () => getEventListeners(connections.signal, 'abort').length
  const client = await Client.open({ port: portOf(server) })
  await client.send(get('/?format=events').replace('Host: a', 'Host: localhost'))
  await client.head(0)
  expect(listening()).toBe(1)
  client.reset()
  await until('nobody listens', () => listening() === 0)
  await connections.drain()
})

test.each(['by itself', 'under --import register'])('a process %s ends with its drain, though a page is open', async (how) => {
  const dist = path.join(__dirname, '../../dist')
  const flags = how === 'by itself' ? [] : ['--import', path.join(dist, 'register.mjs')]
  const child = spawn(
    process.execPath,
    [...flags, path.join(__dirname, 'viewed.mjs'), path.join(dist, 'index.mjs'), path.join(dist, 'view.mjs')],
    {
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
      env: { ...process.env, NODE_ENV: 'production' },
    },
  )
  const said = text(child.stdout ?? process.stdin)
  const exited = once(child, 'exit')
  const [port] = await within(once(child, 'message'), () => 'the port')
  const client = await Client.open({ port: Number(port) })
  await client.send(get('/?format=events').replace('Host: a', 'Host: localhost'))
  await client.head(0)
  child.kill('SIGTERM')
  const [code, signal] = await within(exited, () => 'the exit', 15_000)
  expect([code, signal, await said]).toEqual([0, null, how === 'by itself' ? 'drained true\n' : ''])
  client.destroy()
})
