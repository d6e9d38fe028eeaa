import dns from 'node:dns'
import { once } from 'node:events'
import { Agent, createServer, get as httpGet, type IncomingMessage } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { halfclose } from '@halfclose/fastify'
import type { FastifyInstance } from 'fastify'
import WebSocket from 'ws'
import { credentials } from '../../../test/support/hosts/http.js'
import { ask, get } from '../../../test/support/requests.js'
import { deferred, until, within } from '../../../test/support/wait.js'
import { connect, disconnectAll, heldRoute, listening, load, patient, portOf, versions } from './apps.js'

afterEach(disconnectAll)

/** There may be no ::1 on a test machine: for a while `localhost` is 127.0.0.1 and 127.0.0.2. */
async function listenOnLocalhost(app: FastifyInstance): Promise<void> {
  const lookup = jest.spyOn(dns, 'lookup').mockImplementation((...args: unknown[]) => {
    const [host, options, done] = [args[0], args[1], args.at(-1)]
    if (typeof done !== 'function') throw new Error('an unexpected call of dns.lookup')
    const all = typeof options === 'object' && options !== null && 'all' in options && options.all === true
    const names = host === 'localhost' ? ['127.0.0.1', '127.0.0.2'] : [String(host)]
    const addresses = names.map((address) => ({ address, family: 4 }))
    process.nextTick(() => (all ? done(null, addresses) : done(null, names[0], 4)))
  })
  try {
    await app.listen({ port: 0, host: 'localhost' })
    expect(app.addresses()).toHaveLength(2)
  } finally {
    lookup.mockRestore()
  }
}

interface Answer {
  status: number | undefined
  connection: string | undefined
}

function request(agent: Agent, port: number, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    httpGet({ host: '127.0.0.2', port, path, agent }, (res: IncomingMessage) => {
      res.resume().on('end', () => resolve({ status: res.statusCode, connection: res.headers.connection }))
    }).on('error', reject)
  })
}

describe.each(versions)('the servers of an app on %s', (version) => {
  describe('with the second server of localhost', () => {
    let agent: Agent

    beforeEach(() => {
      agent = new Agent({ keepAlive: true, maxSockets: 1 })
    })

    afterEach(() => agent.destroy())

    it.each([undefined, true, 'idle'] as const)('governs both, with forceCloseConnections %s', async (forceCloseConnections) => {
      const app = (await load(version))(forceCloseConnections === undefined ? {} : { forceCloseConnections })
      // Node's own agent does not trust a promise of a second.
      await app.register(halfclose, { ...patient, keepAlive: { timeout: 3_000 } })
      app.get('/', async () => 'x')
      const held = heldRoute(app)
      await listenOnLocalhost(app)
      const port = portOf(app)
      const first = await connect(app)
      expect((await first.ask(get('/'))).header('keep-alive')).toBe('timeout=3')
      const busyAgent = new Agent()
      expect(await request(agent, port, '/')).toEqual({ status: 200, connection: 'keep-alive' })
      const busy = request(busyAgent, port, '/held')
      await held.arrived

      const closed = app.close()
      // The first server has nothing left, and closes; whoever is with the second one must not notice.
      await first.ask(get('/', 'Connection: close'))
      await first.closed()
      await until('the first server closes', () => app.halfclose.stats().connections.closed === 1)
      expect(await request(agent, port, '/')).toEqual({ status: 200, connection: 'close' })
      held.answer()
      expect(await busy).toEqual({ status: 200, connection: 'close' })
      await within(closed, () => 'close() resolves')
      expect(await app.halfclose.drain()).toMatchObject({ clean: true, promisesBroken: {} })
      busyAgent.destroy()
    })

    it('hands an upgrade on, once', async () => {
      const app = (await load(version))()
      await app.register(halfclose, { ...patient, drain: 'fast' })
      let upgrades = 0
      app.server.on('upgrade', (_request, socket) => {
        upgrades++
        socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
      })
      await listenOnLocalhost(app)
      const socket = connectTcp({ host: '127.0.0.2', port: portOf(app) })
      socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n')
      const [chunk] = await once(socket, 'data')
      expect(String(chunk)).toMatch(/^HTTP\/1.1 101 /)
      expect(upgrades).toBe(1)
      expect(app.halfclose.stats().requests.received).toBe(1)
      socket.destroy()
      await within(app.close(), () => 'close() resolves')
    })
  })

  it('works with serverFactory, whatever it wraps around the handler', async () => {
    let calls = 0
    const app = (await load(version))({
      serverFactory: (handler) =>
        createServer((req, res) => {
          calls++
          handler(req, res)
        }),
    })
    await app.register(halfclose, patient)
    app.get('/', async () => 'x')
    const held = heldRoute(app)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const [busy, promised] = [await connect(app), await connect(app)]
    void busy.send(get('/held'))
    await held.arrived
    expect((await promised.ask(get('/'))).header('keep-alive')).toBe('timeout=1')
    const closed = app.close()
    await until('it drains', () => app.halfclose.state === 'draining')
    expect(await promised.ask(get('/'))).toMatchObject({ status: 200, closes: true })
    held.answer()
    expect(await busy.next()).toMatchObject({ status: 200, closes: true })
    await within(closed, () => 'close() resolves')
    expect(calls).toBe(3)
  })

  it('works with https', async () => {
    const app: FastifyInstance = (await load(version))({ https: credentials })
    await app.register(halfclose, patient)
    app.get('/', async () => 'x')
    await app.listen({ port: 0, host: '127.0.0.1' })
    const client = await connect(app, { tls: true })
    expect((await client.ask(get('/'))).header('keep-alive')).toBe('timeout=1')
    const closed = app.close()
    await until('it drains', () => app.halfclose.state === 'draining')
    expect(await client.ask(get('/'))).toMatchObject({ status: 200, closes: true })
    expect(await client.closed()).toBe('fin')
    expect(client.closeNotify).toBe(true)
    await within(closed, () => 'close() resolves')
  })

  it('drains a hijacked reply like any other', async () => {
    const app = (await load(version))()
    await app.register(halfclose, patient)
    const arrived = deferred<void>()
    const answer = deferred<void>()
    app.get('/hijacked', (_request, reply) => {
      reply.hijack()
      arrived.resolve()
      void answer.promise.then(() => reply.raw.end('hijacked'))
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const client = await connect(app)
    void client.send(get('/hijacked'))
    await arrived.promise
    const closed = app.close()
    await until('it drains', () => app.halfclose.state === 'draining')
    answer.resolve()
    expect(await client.next()).toMatchObject({ status: 200, text: 'hijacked', closes: true })
    await within(closed, () => 'close() resolves')
  })

  it('governs the whole server from a child scope, and decorates that', async () => {
    const app = (await load(version))()
    const scopes: FastifyInstance[] = []
    await app.register(
      async (child) => {
        await child.register(halfclose, { ...patient, readiness: '/ready', drain: { delay: 1 } })
        scopes.push(child)
      },
      { prefix: '/child' },
    )
    app.get('/', async () => 'x')
    await app.listen({ port: 0, host: '127.0.0.1' })
    const child = scopes[0]!
    const client = await connect(app)
    expect((await client.ask(get('/'))).header('keep-alive')).toBe('timeout=1')
    // The readiness route is the server's, whatever the scope's prefix.
    expect((await client.ask(get('/ready'))).status).toBe(200)
    expect((await client.ask(get('/child/ready'))).status).toBe(404)
    const closed = app.close()
    await until('it drains', () => child.halfclose.state === 'draining')
    expect(await client.ask(get('/'))).toMatchObject({ status: 200, closes: true })
    await within(closed, () => 'close() resolves')
    expect(child.halfclose.state).toBe('drained')
    expect('halfclose' in app).toBe(false)
  })

  it('drains on server.close() too', async () => {
    const { app, held } = await listening(version)
    const busy = await connect(app)
    void busy.send(get('/held'))
    await held.arrived
    const closed = new Promise<void>((resolve) => app.server.close(() => resolve()))
    held.answer()
    expect(await busy.next()).toMatchObject({ status: 200, closes: true })
    await within(closed, () => 'the callback')
    expect(app.halfclose.state).toBe('drained')
    await within(app.close(), () => 'close() resolves')
  })

  it("leaves Fastify's own answers alone: 404, 413, a thrown error", async () => {
    const app = (await load(version))({ bodyLimit: 10 })
    await app.register(halfclose, patient)
    app.get('/throw', async () => {
      throw new Error('x')
    })
    app.post('/', async () => 'x')
    await app.listen({ port: 0, host: '127.0.0.1' })
    const client = await connect(app)
    expect((await client.ask(get('/nothing'))).status).toBe(404)
    expect((await client.ask(get('/throw'))).status).toBe(500)
    expect(
      (await client.ask(`${ask('POST', '/', 'Content-Type: text/plain', 'Content-Length: 20')}${'x'.repeat(20)}`)).status,
    ).toBe(413)
    await app.close()
  })
})

describe('@fastify/websocket', () => {
  it('gets to close its clients once the requests are answered, long before the deadline', async () => {
    const app = (await load('fastify'))()
    await app.register(halfclose, { keepAlive: { timeout: 1_000 }, drain: { deadline: 20_000 } })
    await app.register((await import('@fastify/websocket')).default)
    app.get('/socket', { websocket: true }, (socket) => {
      socket.on('message', (message) => socket.send(`echo ${String(message)}`))
    })
    const held = heldRoute(app)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const busy = await connect(app)
    void busy.send(get('/held'))
    await held.arrived
    const socket = new WebSocket(`ws://127.0.0.1:${portOf(app)}/socket`)
    await once(socket, 'open')
    let closedWith: unknown
    const closed = once(socket, 'close').then(([code]) => {
      closedWith = code
    })

    const appClosed = app.close()
    await until('the listener closes', () => !app.server.listening)
    socket.send('still here')
    const [message] = await once(socket, 'message')
    expect(String(message)).toBe('echo still here')
    expect(closedWith).toBeUndefined()
    held.answer()
    expect(await busy.next()).toMatchObject({ status: 200, closes: true })

    await within(closed, () => 'the WebSocket is closed')
    expect(closedWith).toBe(1005)
    await within(appClosed, () => 'close() resolves')
    expect(await app.halfclose.drain()).toMatchObject({ clean: true, heldBy: [] })
  })
})
