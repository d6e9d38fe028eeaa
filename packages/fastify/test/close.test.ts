import dns from 'node:dns'
import { once } from 'node:events'
import { type Http2ServerResponse, connect as openSession, type ServerHttp2Stream } from 'node:http2'
import { halfclose } from '@halfclose/fastify'
import type { FastifyInstance } from 'fastify'
import { get } from '../../../test/support/requests.js'
import { deferred, openResources, until, within } from '../../../test/support/wait.js'
import { connect, disconnectAll, heldRoute, listening, load, patient, portOf, versions } from './apps.js'

/** Something of the test before may still have been on its way out. */
async function nothingMoreThan(before: Record<string, number>): Promise<void> {
  const more = () => Object.entries(openResources()).filter(([kind, count]) => count > (before[kind] ?? 0))
  await until('nothing is left', () => more().length === 0).catch(() => expect(more()).toEqual([]))
}

interface Scopes {
  app: FastifyInstance
  child: FastifyInstance
  captured: () => Promise<undefined>
}

const ways: Record<string, (scopes: Scopes) => Promise<unknown>> = {
  'on the root': ({ app }) => app.close(),
  'on a child': ({ child }) => child.close(),
  'through a captured close': ({ captured }) => captured(),
  'with a callback': ({ app }) => new Promise<void>((resolve) => app.close(() => resolve())),
  'with a callback on a child': ({ child }) => new Promise<void>((resolve) => child.close(() => resolve())),
  twice: ({ app, child }) => Promise.all([app.close(), child.close()]),
  'as a disposable': ({ app }) => app[Symbol.asyncDispose](),
}

afterEach(disconnectAll)

describe.each(versions)('close() on %s', (version) => {
  it.each(Object.keys(ways))('drains before Fastify closes, called %s', async (way) => {
    const app = (await load(version))()
    const captured = app.close.bind(app)
    await app.register(halfclose, patient)
    app.get('/', async () => ({ hello: 'world' }))
    const held = heldRoute(app)
    const children: FastifyInstance[] = []
    await app.register(async (scope) => void children.push(scope))
    await app.listen({ port: 0, host: '127.0.0.1' })

    const busy = await connect(app)
    const promised = await connect(app)
    void busy.send(get('/held'))
    await held.arrived
    expect((await promised.ask(get('/'))).header('keep-alive')).toBe('timeout=1')

    const closed = ways[way]!({ app, child: children[0]!, captured })
    await until('the listener closes', () => !app.server.listening)
    const rescued = await promised.ask(get('/'))
    expect(rescued).toMatchObject({ status: 200, closes: true })
    expect(await promised.closed()).toBe('fin')
    held.answer()
    expect(await busy.next()).toMatchObject({ status: 200, closes: true })
    expect(await busy.closed()).toBe('fin')

    await within(closed, () => 'close() resolves')
    expect(app.server.listening).toBe(false)
    expect((await app.halfclose.drain()).requests).toEqual({ finished: 1, rescued: 1, cut: 0 })
  })

  it("runs other plugins' hooks as ever: preClose once it has drained, onClose last", async () => {
    const order: string[] = []
    const app = (await load(version))()
    app.addHook('onClose', async () => void order.push(`onClose of before, ${app.halfclose.state}`))
    await app.register(halfclose, patient)
    app.addHook('preClose', async () => void order.push(`preClose, ${app.halfclose.state}`))
    app.addHook('onClose', async () => void order.push(`onClose, ${app.halfclose.state}`))
    await app.register(async (child) => {
      child.addHook('onClose', (_instance, done) => {
        order.push(`onClose of a child, ${app.halfclose.state}`)
        done()
      })
    })
    app.get('/', async () => 'x')
    await app.listen({ port: 0, host: '127.0.0.1' })
    const client = await connect(app)
    await client.ask(get('/', 'Connection: close'))
    await app.close()
    expect(order).toEqual(['preClose, drained', 'onClose of a child, drained', 'onClose, drained', 'onClose of before, drained'])
  })

  it('leaves a tunnel over HTTP/2 to the hook that closes it, long before the deadline', async () => {
    const app = (await load(version))({ http2: true })
    await app.register(halfclose, patient)
    const tunnels: ServerHttp2Stream[] = []
    app.server.on('connect', (_req: unknown, { stream }: Http2ServerResponse) => {
      tunnels.push(stream)
      stream.respond({ ':status': 200 })
    })
    const states: string[] = []
    app.addHook('preClose', async () => {
      states.push(app.halfclose.state, `${app.halfclose.stats().open.upgraded} upgraded`)
      for (const tunnel of tunnels) tunnel.end('goodbye')
    })
    await app.listen({ port: 0, host: '127.0.0.1' })

    const session = openSession(`http://127.0.0.1:${portOf(app)}`)
    try {
      const stream = session.request({ ':method': 'CONNECT', ':authority': 'chat' }, { endStream: false })
      await within(once(stream, 'response'), () => 'the tunnel')
      const closed = app.close()
      const [said] = await within(once(stream, 'data'), () => 'what the hook says')
      expect(String(said)).toBe('goodbye')
      stream.end()
      await within(closed, () => 'close() resolves')
      expect(states).toEqual(['draining', '1 upgraded'])
      expect((await app.halfclose.drain()).clean).toBe(true)
    } finally {
      session.destroy()
    }
  })

  it('rejects with the error of a hook, as ever', async () => {
    for (const first of [true, false]) {
      const app = (await load(version))()
      const failing = async () => {
        throw new Error('the pool would not close')
      }
      if (first) app.addHook('onClose', failing)
      await app.register(halfclose, patient)
      if (!first) app.addHook('onClose', failing)
      await app.listen({ port: 0, host: '127.0.0.1' })
      await expect(app.close()).rejects.toThrow('the pool would not close')
    }
  })

  it.each<[string, (app: FastifyInstance) => Promise<unknown>]>([
    ['before ready', async () => {}],
    ['before listen', (app) => Promise.resolve(app.ready())],
    ['after inject() only', (app) => app.inject('/')],
  ])('%s, leaves nothing behind', async (_when, prepare) => {
    const before = openResources()
    const app = (await load(version))()
    const hooks: string[] = []
    app.addHook('onClose', async () => void hooks.push('onClose'))
    app.register(halfclose, { ...patient, signals: true })
    app.get('/', async () => 'x')
    await prepare(app)
    await within(app.close(), () => 'close() resolves')
    expect(app.halfclose.state).toBe('drained')
    expect(hooks).toEqual(['onClose'])
    await nothingMoreThan(before)
  })

  it('leaves nothing behind after listening either, signals included', async () => {
    const before = openResources()
    const { app } = await listening(version, { ...patient, signals: true })
    expect(process.listenerCount('SIGTERM')).toBe((before["listeners of process 'SIGTERM'"] ?? 0) + 1)
    const client = await connect(app)
    await client.ask(get('/', 'Connection: close'))
    await app.close()
    disconnectAll()
    await nothingMoreThan(before)
  })

  it('can race a listen() that is not done', async () => {
    const app = (await load(version))()
    app.register(halfclose, patient)
    const listens = app.listen({ port: 0, host: '127.0.0.1' }).then(
      () => 'listened',
      () => 'refused',
    )
    await within(app.close(), () => 'close() resolves')
    expect(app.halfclose.state).toBe('drained')
    // Fastify itself may never settle it.
    void listens
    await until('nothing listens', () => !app.server.listening)
  })

  it.each(['before', 'during'])(
    'can be called %s a listen() on localhost, whose addresses Fastify looks up afterwards',
    async (when) => {
      const looked = deferred()
      const lookup = jest.spyOn(dns, 'lookup').mockImplementation((...args: unknown[]) => {
        const [options, done] = [args[1], args.at(-1)]
        if (typeof done !== 'function') throw new Error('an unexpected call of dns.lookup')
        const all = typeof options === 'object' && options !== null && 'all' in options && options.all === true
        const answer = () => (all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4))
        setTimeout(() => {
          // What it throws is an uncaught exception, which fails the test.
          if (all) setImmediate(looked.resolve)
          answer()
        }, 20)
      })
      try {
        const app = (await load(version))()
        await app.register(halfclose, patient)
        await app.ready()
        if (when === 'before') await within(app.close(), () => 'close() resolves')
        const listens = app.listen({ port: 0, host: 'localhost' })
        if (when === 'during') await within(app.close(), () => 'close() resolves')
        await within(Promise.all([listens, looked.promise]), () => 'listen() resolves')
        expect(app.server.listening).toBe(false)
      } finally {
        lookup.mockRestore()
      }
    },
  )

  it('lets its server listen never again: the call says what to do instead', async () => {
    const { app, held } = await listening(version)
    const busy = await connect(app)
    void busy.send(get('/held'))
    await held.arrived
    const error = expect.objectContaining({
      code: 'HALFCLOSE_CLOSED',
      message: expect.stringContaining('Make a new application'),
    })
    const closed = app.close()
    await until('the listener closes', () => !app.server.listening)
    expect(() => app.server.listen(0, '127.0.0.1')).toThrow(error)
    held.answer()
    expect(await busy.next()).toMatchObject({ status: 200, closes: true })
    await within(closed, () => 'close() resolves')
    expect(() => app.server.listen(0, '127.0.0.1')).toThrow(error)
    expect(app.server.listening).toBe(false)
  })

  it('drains when the signal given to listen() is aborted, which closes the server past every hook', async () => {
    const stop = new AbortController()
    const app = (await load(version))()
    await app.register(halfclose, patient)
    app.get('/', async () => ({ hello: 'world' }))
    const held = heldRoute(app)
    await app.listen({ port: 0, host: '127.0.0.1', signal: stop.signal })
    const busy = await connect(app)
    const promised = await connect(app)
    void busy.send(get('/held'))
    await held.arrived
    await promised.ask(get('/'))

    stop.abort()
    await until('the listener closes', () => !app.server.listening)
    expect(await promised.ask(get('/'))).toMatchObject({ status: 200, closes: true })
    held.answer()
    expect(await busy.next()).toMatchObject({ status: 200, closes: true })
    await within(app.close(), () => 'close() resolves')
    expect((await app.halfclose.drain()).clean).toBe(true)
  })

  it('serves what the kernel had accepted when it was called', async () => {
    const { app } = await listening(version)
    const clients = await Promise.all(Array.from({ length: 20 }, () => connect(app)))
    // The loop does not turn between these: the requests, and half of the connections, are still the kernel's.
    const answers = clients.map((client) => client.ask(get('/')))
    const closed = app.close()
    for (const answer of await Promise.all(answers)) expect(answer.status).toBe(200)
    disconnectAll()
    await within(closed, () => 'close() resolves')
  })

  it('is not called by a drain: the application can go on without its servers', async () => {
    const { app } = await listening(version)
    const report = await app.halfclose.drain({ reason: 'by hand' })
    expect(report.reason).toBe('by hand')
    expect((await app.inject('/')).statusCode).toBe(200)
    expect(portlessly(() => portOf(app))).toBe(true)
    await app.close()
  })
})

function portlessly(run: () => number): boolean {
  try {
    run()
    return false
  } catch {
    return true
  }
}
