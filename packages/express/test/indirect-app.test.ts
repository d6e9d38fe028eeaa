import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type HalfcloseExpressOptions, halfclose } from '@halfclose/express'
import type { Express } from 'express'
import { Example } from '../../../examples/testing/child.js'
import { Client } from '../../../test/support/client.js'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { until } from '../../../test/support/wait.js'
import { closed, connect, disconnectAll, listening, load, patient, versions } from './apps.js'

afterEach(disconnectAll)

const NOT_GOVERNED = 'HALFCLOSE_SERVER_NOT_GOVERNED'
const listen = (server: Server): Promise<Server> => listening(server.listen(0, '127.0.0.1'))

/** What `new Server(server)` of socket.io does, and sockjs, and primus. */
function overshadow(server: Server): Server {
  const listeners = server.listeners('request')
  server.removeAllListeners('request')
  server.on('request', (req, res) => {
    if (req.url === '/socket.io/') res.end('polled')
    else for (const listener of listeners) Reflect.apply(listener, server, [req, res])
  })
  return server
}

const ways: [string, (app: RequestListener) => Server, boolean][] = [
  ['out of whose listeners socket.io has taken the app', (app) => overshadow(createServer(app)), false],
  ['which calls the app from a function', (app) => createServer((req, res) => app(req, res)), false],
  ['of https, out of whose listeners socket.io has taken the app', (app) => overshadow(createTlsServer(credentials, app)), true],
]

async function governed(version: (typeof versions)[number], options: HalfcloseExpressOptions = {}) {
  const app = (await load(version))()
  const logger = { info() {}, warn: (fields: object, message: string) => void warnings.push({ code: '', message, ...fields }) }
  const warnings: { code: string; message: string }[] = []
  const connections = halfclose(app, { ...patient, logger, ...options })
  app.get('/', (_req, res) => void res.send('x'))
  return { app, connections, codes: () => warnings.map(({ code }) => code), warnings }
}

describe.each(versions)('a server that nobody knows as the app’s, on %s', (version) => {
  it.each(ways)('%s, is governed from its first request on, with a warning that says what to write', async (_what, make, tls) => {
    const { app, connections, warnings, codes } = await governed(version)
    const server = await listen(make(app))
    const first = await connect(server, { tls })
    expect(await first.ask(get('/'))).toMatchObject({ status: 200, text: 'x', closes: true })
    await first.closed()
    expect(codes().filter((code) => code === NOT_GOVERNED)).toHaveLength(1)
    expect(warnings[0]?.message).toContain('connections.attach(server)')

    const second = await connect(server, { tls })
    expect((await second.ask(get('/'))).header('keep-alive')).toBe('timeout=1')
    expect(connections.stats().connections.opened).toBe(2)
    const drained = connections.drain()
    expect(await second.ask(get('/'))).toMatchObject({ status: 200, closes: true })
    expect((await drained).clean).toBe(true)
    expect(server.listening).toBe(false)
    expect(codes().filter((code) => code === NOT_GOVERNED)).toHaveLength(1)
  })

  it('answers a readiness probe, were it the first request', async () => {
    const { app, connections } = await governed(version, { readiness: '/ready', drain: { delay: 100 } })
    const server = await listen(overshadow(createServer(app)))
    const probe = await connect(server)
    expect(await probe.ask(get('/ready'))).toMatchObject({ status: 200, text: '{"ready":true,"state":"serving"}', closes: true })
    await connections.drain({ fast: true })
  })

  it('is waited for while what stands in the app’s place answers by itself', async () => {
    const { app, connections, codes } = await governed(version)
    const server = await listen(overshadow(createServer(app)))
    const client = await connect(server)
    for (let n = 0; n < 200; n++) expect((await client.ask(get('/socket.io/'))).text).toBe('polled')
    expect(codes()).toEqual([])
    expect((await client.ask(get('/'))).closes).toBe(true)
    expect(codes()).toContain(NOT_GOVERNED)
    await connections.drain({ fast: true })
  })

  it('is none where it was attached by hand, before its listen() or right after it', async () => {
    for (const before of [true, false]) {
      const { app, connections, codes } = await governed(version)
      const handle: unknown = Reflect.get(app, 'handle')
      const server = overshadow(createServer(app))
      if (before) connections.attach(server)
      server.listen(0, '127.0.0.1')
      if (!before) connections.attach(server)
      await listening(server)
      expect(Reflect.get(app, 'handle')).toBe(handle)
      const client = await connect(server)
      expect((await client.ask(get('/'))).header('keep-alive')).toBe('timeout=1')
      expect(codes()).toEqual([])
      await connections.drain({ fast: true })
    }
  })

  it('is left alone where it is somebody else’s, and after a hundred requests no request is looked at any more', async () => {
    const { app, connections, codes } = await governed(version, { keepAlive: { timeout: 1_000 } })
    const handle: unknown = Reflect.get(app, 'handle')
    const metrics = await listen(createServer((_req, res) => res.end('metrics')))
    const server = await listen(createServer(app))
    expect(Reflect.get(app, 'handle')).not.toBe(handle)
    const [prometheus, client] = [await connect(metrics), await connect(server)]
    for (let n = 0; n < 100; n++) {
      expect((await client.ask(get('/'))).text).toBe('x')
      expect((await prometheus.ask(get('/metrics'))).header('keep-alive')).toBe('timeout=5')
    }
    expect(Reflect.get(app, 'handle')).toBe(handle)
    expect((await client.ask(get('/'))).text).toBe('x')
    expect(connections.stats().connections.opened).toBe(1)
    expect(codes()).toEqual([])
    await connections.drain({ fast: true })
    expect((await prometheus.ask(get('/metrics'))).text).toBe('metrics')
    disconnectAll()
    await closed(metrics)
  })

  it('is none where another app governs it, whichever of the two is told of it first', async () => {
    const all = [await governed(version), await governed(version), await governed(version)]
    for (const { app } of all) {
      const client = await connect(await listen(createServer(app)))
      expect((await client.ask(get('/'))).header('keep-alive')).toBe('timeout=1')
    }
    expect(all.map(({ connections }) => connections.stats().connections.opened)).toEqual([1, 1, 1])
    expect(all.flatMap(({ codes }) => codes())).toEqual([])
    await Promise.all(all.map(({ connections }) => connections.drain({ fast: true })))
  })

  it('is governed by the first of two apps that are behind it', async () => {
    const [one, other] = [await governed(version), await governed(version)]
    const appOf: Record<string, Express> = { one: one.app, other: other.app }
    const server = await listen(createServer((req, res) => appOf[req.headers.host ?? '']?.(req, res)))
    for (const host of ['other', 'one', 'other']) {
      expect((await (await connect(server)).ask(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`)).status).toBe(200)
    }
    expect(one.codes()).toEqual([])
    expect(other.codes().filter((code) => code === NOT_GOVERNED)).toHaveLength(1)
    expect(other.connections.stats().connections.opened).toBe(3)
    await Promise.all([one, other].map(({ connections }) => connections.drain({ fast: true })))
  })

  it('brings the signals of every app that has no server, and takes them along', async () => {
    const before = process.listenerCount('SIGTERM')
    const warned = jest.fn()
    process.on('warning', warned)
    const all = await Promise.all(Array.from({ length: 12 }, (_, n) => governed(version, { signals: n > 0 })))
    const server = createServer()
    await listen(server)
    await until('listeners', () => process.listenerCount('SIGTERM') === before + 1)
    await closed(server)
    expect(process.listenerCount('SIGTERM')).toBe(before)
    await Promise.all(all.map(({ connections }) => connections.drain()))
    process.off('warning', warned)
    // More than ten listeners would bring one.
    expect(warned).not.toHaveBeenCalled()
  })
})

// The child uses what was built: `npm run build` first.
describe.each(versions)('SIGTERM, and a server that nobody knows as the app’s, on %s', (version) => {
  let child: Example
  const clients: Client[] = []

  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy()
    child.kill()
  })

  async function start(setup: { options?: HalfcloseExpressOptions; metrics?: boolean }): Promise<() => Promise<Client>> {
    child = new Example(__dirname, { STRANGER: JSON.stringify({ express: version, ...setup }) }, 'indirect-app-child.mjs')
    const [, port] = await child.line(/^listening (\d+)/)
    return async () => {
      const client = await Client.open({ port: Number(port) })
      clients.push(client)
      return client
    }
  }

  const warned = () => child.lines.filter((line) => line.includes(NOT_GOVERNED))

  it('before the first request: it drains all the same, and says what to write', async () => {
    const open = await start({ options: { signals: true, drain: { delay: 1_000, deadline: 10_000 } } })
    child.terminate()
    await child.line(/^state leaving/)
    const client = await open()
    expect((await client.ask(get('/'))).status).toBe(200)
    await child.line(/^state draining/)
    if (client.ending === undefined) expect(await client.ask(get('/'))).toMatchObject({ status: 200, closes: true })
    expect(await client.closed()).toBe('fin')
    expect(await child.exit).toEqual({ code: 0, signal: null })
    expect(warned()).toEqual([expect.stringContaining('Write `connections.attach(server)` before `server.listen()`')])
  })

  it('after it: what is in flight is answered', async () => {
    const open = await start({ options: { signals: true } })
    expect((await (await open()).ask(get('/'))).status).toBe(200)
    const client = await open()
    void client.send(get('/held'))
    await child.line(/^arrived/)
    child.terminate()
    expect(await client.next()).toMatchObject({ status: 200, text: 'held', closes: true })
    expect(await client.closed()).toBe('fin')
    expect(await child.exit).toEqual({ code: 0, signal: null })
    expect(warned()).toHaveLength(1)
  })

  it('is not attached where the app has a server of its own', async () => {
    await start({ options: { signals: true }, metrics: true })
    child.terminate()
    expect(await child.exit).toEqual({ code: 0, signal: null })
    expect(warned()).toEqual([])
  })

  it('does what it always did without `signals`', async () => {
    await start({})
    child.terminate()
    expect(await child.exit).toEqual({ code: null, signal: 'SIGTERM' })
  })
})
