import { createServer } from 'node:http'
import byDefault, { type HalfcloseExpressOptions, halfclose, type Report } from '@halfclose/express'
import supertest from 'supertest'
import { get } from '../../../test/support/requests.js'
import { deferred, until, within } from '../../../test/support/wait.js'
import { closed, connect, disconnectAll, listening, load, patient, versions } from './apps.js'

afterEach(disconnectAll)

const call: (app: unknown, options?: unknown) => unknown = Object.assign(halfclose)

function errorOf(run: () => unknown): Error & { code?: unknown; path?: unknown } {
  try {
    run()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it did not throw an error')
}

describe.each(versions)('halfclose(app, options) on %s', (version) => {
  it('is the same function by name and by default', () => {
    expect(byDefault).toBe(halfclose)
  })

  it('leaves to a response what the application has put on the prototype of all of them', async () => {
    const app = (await load(version))()
    const connections = halfclose(app, { drain: 'fast' })
    Object.assign(app.response, { statusCode: 203, statusMessage: 'Tea' })
    let seen: unknown[] = []
    app.get('/', (_req, res) => {
      seen = [res.statusCode, res.statusMessage]
      res.end('x')
    })
    const server = await listening(app.listen(0, '127.0.0.1'))
    const client = await connect(server)
    for (let request = 0; request < 2; request++) expect(await client.ask(get('/'))).toMatchObject({ status: 203, reason: 'Tea' })
    expect(seen).toEqual([203, 'Tea'])
    await connections.drain()
  })

  it('throws for a second policy', async () => {
    const app = (await load(version))()
    halfclose(app)
    expect(() => halfclose(app)).toThrow(expect.objectContaining({ name: 'TypeError', code: 'HALFCLOSE_ALREADY_REGISTERED' }))
  })

  it('throws at once for a wrong option, of the core and of its own, and then can be called again', async () => {
    const app = (await load(version))()
    const wrong: [unknown, object][] = [
      [{ keepAlive: { timeout: '5s' } }, { code: 'HALFCLOSE_OPTION_TYPE', path: 'keepAlive.timeout' }],
      [{ keepalive: {} }, { code: 'HALFCLOSE_OPTION_UNKNOWN', path: 'keepalive' }],
      [
        { ondrained: () => {} },
        { code: 'HALFCLOSE_OPTION_UNKNOWN', message: expect.stringContaining('did you mean `onDrained`?') },
      ],
      [{ signals: 'SIGTERM' }, { code: 'HALFCLOSE_OPTION_TYPE', path: 'signals' }],
      [{ signals: [] }, { code: 'HALFCLOSE_OPTION_RANGE', path: 'signals' }],
      [{ signals: [15] }, { code: 'HALFCLOSE_OPTION_TYPE', path: 'signals' }],
      [{ signals: ['SIGTREM'] }, { code: 'HALFCLOSE_OPTION_RANGE', path: 'signals' }],
      [{ signals: ['SIGKILL'] }, { code: 'HALFCLOSE_OPTION_RANGE', path: 'signals' }],
      [{ readiness: 'ready' }, { code: 'HALFCLOSE_OPTION_RANGE', path: 'readiness' }],
      [
        { readiness: '/up', liveness: '/up' },
        { code: 'HALFCLOSE_OPTION_RANGE', path: 'liveness' },
      ],
      [
        { readiness: { path: '/up' }, liveness: '/up' },
        { code: 'HALFCLOSE_OPTION_RANGE', path: 'liveness' },
      ],
      [{ readiness: {} }, { code: 'HALFCLOSE_OPTION_TYPE', path: 'readiness.path' }],
      [{ readiness: { path: '/ready', check: true } }, { code: 'HALFCLOSE_OPTION_TYPE', path: 'readiness.check' }],
      [{ readiness: { path: '/ready', timeout: -1 } }, { code: 'HALFCLOSE_OPTION_RANGE', path: 'readiness.timeout' }],
      [{ readiness: { path: '/ready', chek: () => true } }, { code: 'HALFCLOSE_OPTION_UNKNOWN', path: 'readiness.chek' }],
      [{ liveness: 'live' }, { code: 'HALFCLOSE_OPTION_RANGE', path: 'liveness' }],
      [{ onDrained: 'exit' }, { code: 'HALFCLOSE_OPTION_TYPE', path: 'onDrained' }],
      [5, { code: 'HALFCLOSE_OPTION_TYPE', path: '' }],
      [null, { code: 'HALFCLOSE_OPTION_TYPE', path: '' }],
    ]
    for (const [options, error] of wrong) expect(errorOf(() => call(app, options))).toMatchObject(error)
    await halfclose(app).drain({ fast: true })
  })

  it('says what to write where the app is none', async () => {
    const make = await load(version)
    const express: object = make
    const router: unknown = Reflect.get(express, 'Router')
    if (typeof router !== 'function') throw new Error('no Router')
    const wrong: [unknown, string][] = [
      [undefined, 'got undefined; write `const app = express(); halfclose(app, { signals: true })'],
      [{ signals: true }, 'got an object; write `const app = express()'],
      [make, 'got express itself; call it'],
      [router(), 'got a router; write `halfclose(app, options)` with the app that uses it'],
      [createServer(), 'got a server; write `halfclose(app, options)` before the app listens, and `.attach(server)`'],
      [() => {}, 'write `attach(http.createServer(handler), options)`'],
      [require('fastify')(), 'got a Fastify app; write `await app.register(halfclose, options)`'],
      [{ getHttpAdapter: () => {} }, 'got a NestJS app; write `halfclose(app.getHttpAdapter().getInstance(), options)`'],
    ]
    for (const [app, hint] of wrong) {
      const error = errorOf(() => call(app))
      expect(error).toMatchObject({ name: 'TypeError', code: 'HALFCLOSE_NOT_AN_APP', message: expect.stringContaining(hint) })
      // The value may be a whole application: it is there, but is not printed.
      expect(Object.keys(error)).toEqual(['code'])
    }
  })

  it('says under jest once what comes with every server: supertest makes and closes one for a request, in a moment', async () => {
    const logger = { info: jest.fn(), warn: jest.fn() }
    const app = (await load(version))()
    halfclose(app, { logger })
    app.get('/', (_req, res) => void res.send('x'))
    await supertest(app).get('/').expect(200, 'x')
    const said = logger.info.mock.calls.length
    const times: number[] = []
    for (let n = 0; n < 15; n++) {
      const since = performance.now()
      await supertest(app).get('/').expect(200, 'x')
      times.push(performance.now() - since)
    }
    expect(logger.info).toHaveBeenCalledTimes(said)
    expect(logger.warn).not.toHaveBeenCalled()
    // Late connections are waited for in 25 ms, but not here. The quickest: other tests run at the same time.
    expect(Math.min(...times)).toBeLessThan(20)
  })

  it('chooses a fast drain under jest, and leaves an explicit one alone', async () => {
    const make = await load(version)
    expect(halfclose(make()).policy.drain.deadline).toBe(2_000)
    expect(halfclose(make(), { drain: { deadline: 7_000 } }).policy.drain).toMatchObject({
      deadline: 7_000,
      idle: 'promise',
      delay: 0,
    })
    expect(halfclose(make(), { drain: { deadline: 7_000 }, readiness: '/ready' }).policy.drain.delay).toBe(5_000)
  })

  it('warns through the logger that it was given', async () => {
    const logger = { info: jest.fn(), warn: jest.fn() }
    const app = (await load(version))()
    const connections = halfclose(app, { readiness: '/ready', drain: { delay: 400, deadline: 300 }, logger })
    expect(logger.warn.mock.calls).toEqual([
      [{ code: 'HALFCLOSE_DEADLINE_WITHIN_DELAY' }, expect.stringContaining('`drain.deadline`')],
    ])
    const server = await listening(app.listen(0, '127.0.0.1'))
    expect(logger.info.mock.calls).toEqual([[expect.anything(), expect.stringContaining('listening on')]])
    await connections.drain()
    expect(server.listening).toBe(false)
  })
})

describe.each(versions)('the readiness route on %s', (version) => {
  async function started(options: HalfcloseExpressOptions = {}) {
    const app = (await load(version))()
    const seen: string[] = []
    // Registered before, and would turn the probe away.
    app.use((req, res, next) => {
      seen.push(req.url)
      if (req.headers.authorization) next()
      else res.sendStatus(401)
    })
    const connections = halfclose(app, { readiness: '/ready', drain: 'fast', ...options })
    app.post('/ready', (_req, res) => void res.send('posted'))
    const server = await listening(app.listen(0, '127.0.0.1'))
    return { app, server, connections, seen }
  }

  it('answers before any middleware, GET and HEAD, with a query', async () => {
    const { server, connections, seen } = await started()
    const response = await supertest(server).get('/ready').expect(200, { ready: true, state: 'serving' })
    expect(response.headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/json; charset=utf-8' })
    expect(response.headers).not.toHaveProperty('retry-after')
    await supertest(server).get('/ready?verbose').expect(200)
    await supertest(server)
      .head('/ready')
      .expect(200)
      .expect('Content-Length', response.headers['content-length'] ?? '')
    expect(seen).toEqual([])
    await supertest(server).post('/ready').set('Authorization', 'x').expect(200, 'posted')
    await supertest(server).get('/readyness').expect(401)
    await connections.drain()
  })

  it('lets the application have a say, and says 503 to what is no yes, in time', async () => {
    const says = jest.fn<unknown, []>()
    const logger = { info: jest.fn(), warn: jest.fn() }
    const { server, connections } = await started({ readiness: { path: '/ready', check: says, timeout: 50 }, logger })
    const asked = async (answer: () => unknown) => {
      says.mockImplementation(answer)
      const { status, body } = await supertest(server).get('/ready')
      return [status, body.ready]
    }
    const never = () => new Promise(() => {})
    const yes: (() => unknown)[] = [() => true, async () => true, () => undefined]
    const no: (() => unknown)[] = [
      () => false,
      async () => false,
      () => Promise.reject(new Error('no database')),
      never,
      () => {
        throw new Error('no database')
      },
    ]
    for (const answer of yes) expect(await asked(answer)).toEqual([200, true])
    expect(logger.warn).not.toHaveBeenCalled()
    for (const answer of no) expect(await asked(answer)).toEqual([503, false])
    expect(await asked(async () => true)).toEqual([200, true])
    // Once for each change.
    expect(logger.warn.mock.calls).toEqual([[{ code: 'HALFCLOSE_NOT_READY' }, expect.stringContaining('readiness.check')]])
    expect(logger.info).toHaveBeenCalledWith({}, 'halfclose: ready again')
    await connections.drain()
  })

  it('has a liveness route beside it, which says 200 while the server drains', async () => {
    const { server, connections } = await started({
      liveness: '/live',
      drain: { delay: 0, deadline: 8_000 },
      keepAlive: { timeout: 1_000 },
    })
    const probe = await connect(server)
    expect(await probe.ask(get('/live'))).toMatchObject({ status: 200, text: '{"alive":true}' })
    const drained = connections.drain()
    expect(await probe.ask(get('/live?x'))).toMatchObject({ status: 200, text: '{"alive":true}', closes: true })
    await drained
  })

  it('says 503 while leaving and draining, when requests are still served', async () => {
    const { server, connections } = await started({ drain: { delay: 300, deadline: 8_000 }, keepAlive: { timeout: 1_000 } })
    // One for each: while leaving, any answer may say close.
    const [probe, later, other] = [await connect(server), await connect(server), await connect(server)]
    const drained = connections.drain()
    expect(connections.state).toBe('leaving')
    const leaving = await probe.ask(get('/ready'))
    expect(leaving).toMatchObject({ status: 503, text: '{"ready":false,"state":"leaving"}' })
    expect(leaving.header('retry-after')).toBe('8')
    expect(leaving.header('cache-control')).toBe('no-store')
    expect((await other.ask(get('/nothing', 'Authorization: x'))).status).toBe(404)
    await until('draining', () => connections.state === 'draining')
    expect(await later.ask(get('/ready'))).toMatchObject({
      status: 503,
      text: '{"ready":false,"state":"draining"}',
      closes: true,
    })
    await drained
  })
})

describe.each(versions)('onDrained on %s', (version) => {
  it('gets the report once, after connections.drain()', async () => {
    const reports: Report[] = []
    const app = (await load(version))()
    const called = deferred<void>()
    const connections = halfclose(app, {
      ...patient,
      onDrained: (report) => {
        reports.push(report)
        called.resolve()
      },
    })
    await listening(app.listen(0, '127.0.0.1'))
    const report = await connections.drain({ reason: 'deploy' })
    await connections.drain()
    await within(called.promise, () => 'onDrained')
    expect(reports).toEqual([report])
  })

  it('warns where it fails', async () => {
    const logger = { info: jest.fn(), warn: jest.fn() }
    const app = (await load(version))()
    const connections = halfclose(app, {
      ...patient,
      logger,
      onDrained: () => Promise.reject(new Error('the pool would not close')),
    })
    await listening(app.listen(0, '127.0.0.1'))
    await connections.drain()
    await until('a warning', () => logger.warn.mock.calls.length > 0)
    expect(logger.warn.mock.calls).toEqual([
      [{ code: 'HALFCLOSE_CLOSE_FAILED' }, expect.stringContaining('onDrained failed: Error: the pool would not close')],
    ])
  })

  it('is not called for a server that is closed: the application may listen again', async () => {
    const onDrained = jest.fn()
    const app = (await load(version))()
    const connections = halfclose(app, { ...patient, onDrained })
    await closed(await listening(app.listen(0, '127.0.0.1')))
    expect(connections.state).toBe('drained')
    await listening(app.listen(0, '127.0.0.1'))
    expect(connections.state).toBe('serving')
    expect(onDrained).not.toHaveBeenCalled()
    await connections.drain()
    await until('onDrained', () => onDrained.mock.calls.length === 1)
  })
})
