import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import byDefault, { type HalfcloseFastifyOptions, halfclose } from '@halfclose/fastify'
import supertest from 'supertest'
import { get } from '../../../test/support/requests.js'
import { until } from '../../../test/support/wait.js'
import { connect, disconnectAll, heldRoute, load, patient, versions } from './apps.js'

afterEach(disconnectAll)

async function inEnvironment<T>(env: Record<string, string | undefined>, run: () => Promise<T>): Promise<T> {
  const before = { ...process.env }
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) delete process.env[name]
    else process.env[name] = value
  }
  try {
    return await run()
  } finally {
    for (const name of Object.keys(env)) delete process.env[name]
    Object.assign(process.env, before)
  }
}

describe.each(versions)('registering on %s', (version) => {
  async function policyOf(options: HalfcloseFastifyOptions) {
    const app = (await load(version))()
    await app.register(halfclose, options)
    await app.halfclose.drain({ fast: true })
    await app.close()
    return app.halfclose.policy
  }

  it('is the same plugin by name and by default, and is listed under its name', async () => {
    expect(byDefault).toBe(halfclose)
    const app = (await load(version))()
    await app.register(halfclose)
    expect(app.hasPlugin('@halfclose/fastify')).toBe(true)
    await app.close()
  })

  it.each([
    ['on the same instance', false],
    ['in a child scope', true],
  ])('fails the second time, %s', async (_where, inChild) => {
    const app = (await load(version))()
    await app.register(halfclose, patient)
    if (inChild) app.register(async (child) => void child.register(halfclose))
    else app.register(halfclose)
    await expect(Promise.resolve(app.ready())).rejects.toMatchObject({
      name: 'TypeError',
      code: 'HALFCLOSE_ALREADY_REGISTERED',
      message: expect.stringContaining('register the plugin once'),
    })
    await app.close()
  })

  it('fails for a wrong option, of the core and of its own, with its path', async () => {
    const wrong: [Record<string, unknown>, object][] = [
      [{ keepAlive: { timeout: '5s' } }, { code: 'HALFCLOSE_OPTION_TYPE', path: 'keepAlive.timeout' }],
      [{ keepalive: {} }, { code: 'HALFCLOSE_OPTION_UNKNOWN', path: 'keepalive' }],
      [
        { readyness: '/ready' },
        { code: 'HALFCLOSE_OPTION_UNKNOWN', message: expect.stringContaining('did you mean `readiness`?') },
      ],
      [{ signals: 'SIGTERM' }, { code: 'HALFCLOSE_OPTION_TYPE', path: 'signals' }],
      [{ readiness: true }, { code: 'HALFCLOSE_OPTION_TYPE', path: 'readiness' }],
      [{ readiness: 'ready' }, { code: 'HALFCLOSE_OPTION_RANGE', path: 'readiness' }],
      [{ readiness: '/ready?x' }, { code: 'HALFCLOSE_OPTION_RANGE', path: 'readiness' }],
      [
        { readiness: '/ready', drain: 5 },
        { code: 'HALFCLOSE_OPTION_TYPE', path: 'drain' },
      ],
      [{ close: true }, { code: 'HALFCLOSE_OPTION_TYPE', path: 'close' }],
      [{ onDrained: () => {} }, { code: 'HALFCLOSE_OPTION_UNKNOWN', path: 'onDrained' }],
    ]
    for (const [options, error] of wrong) {
      const app = (await load(version))()
      app.register(halfclose, options)
      await expect(Promise.resolve(app.ready())).rejects.toMatchObject(error)
      await app.close()
    }
  })

  it("takes Fastify's own options of register()", async () => {
    const app = (await load(version))()
    await app.register(halfclose, { ...patient, prefix: '/x', logLevel: 'warn' })
    await app.close()
  })

  describe('drain', () => {
    const production = { NODE_ENV: undefined, WATCH_REPORT_DEPENDENCIES: undefined }

    it.each([
      [{ NODE_ENV: 'test' }, {}, 2_000],
      [{ NODE_ENV: 'development' }, {}, 2_000],
      [{ NODE_ENV: 'production', WATCH_REPORT_DEPENDENCIES: '1' }, {}, 2_000],
      [{ NODE_ENV: 'test' }, { drain: {} }, 2_000],
      [{ NODE_ENV: 'test' }, { drain: { delay: undefined } }, 2_000],
      [{ NODE_ENV: 'test' }, { drain: { deadline: 7_000 } }, 7_000],
      [{ NODE_ENV: 'production' }, {}, 20_000],
      [{}, {}, 20_000],
    ])('in %j with %j is bounded by %d ms', async (env, options, deadline) => {
      const { drain } = await inEnvironment({ ...production, ...env }, () => policyOf(options))
      expect(drain.deadline).toBe(deadline)
      if (deadline === 2_000) expect(drain).toMatchObject({ delay: 0, idle: 0, silent: 0, deadline })
    })

    it.each<[HalfcloseFastifyOptions, number]>([
      [{}, 0],
      [{ readiness: '/ready' }, 5_000],
      [{ readiness: '/ready', drain: { deadline: 9_000 } }, 5_000],
      [{ readiness: '/ready', drain: { delay: 1_000 } }, 1_000],
      [{ readiness: '/ready', drain: 'fast' }, 0],
      [{ readiness: undefined, drain: undefined }, 0],
    ])('with %j has a delay of %d ms', async (options, delay) => {
      expect((await inEnvironment(production, () => policyOf(options))).drain.delay).toBe(delay)
    })
  })

  describe('the log', () => {
    async function logOf(options: HalfcloseFastifyOptions, env: Record<string, string | undefined> = {}) {
      const stream = new PassThrough()
      const app = (await load(version))({ logger: { stream } })
      await inEnvironment(env, async () => app.register(halfclose, options))
      await app.listen({ port: 0, host: '127.0.0.1' })
      await app.close()
      stream.end()
      const lines = (await text(stream)).trim().split('\n')
      return lines
        .map((line): { level: number; msg: string } => JSON.parse(line))
        .filter(({ msg }) => msg.startsWith('halfclose'))
    }

    it("is the app's: one line of the policy when it listens, one at the end of a drain", async () => {
      expect(await logOf({ drain: { deadline: 3_000 } })).toEqual([
        expect.objectContaining({ level: 30, msg: expect.stringMatching(/listening .* 127\.0\.0\.1:\d+; keep-alive 5 s/) }),
        expect.objectContaining({ level: 30, msg: expect.stringMatching(/drained in/) }),
      ])
    })

    it('says once why the drain is fast', async () => {
      const lines = await logOf({}, { NODE_ENV: 'test' })
      expect(lines).toHaveLength(3)
      const why = /drains fast, in 2000 ms at most, because NODE_ENV is test; the option `drain` overrules that/
      expect(lines.filter(({ msg }) => why.test(msg))).toEqual([expect.objectContaining({ level: 30 })])
    })

    it('is a process warning where Fastify has no logger, and the given logger where there is one', async () => {
      const emitted = jest.spyOn(process, 'emitWarning').mockImplementation(() => {})
      const logger = { info: jest.fn(), warn: jest.fn() }
      try {
        await policyOf({ drain: { delay: 400, deadline: 300 } })
        expect(emitted.mock.calls).toEqual([
          [expect.stringContaining('`drain.deadline`'), { type: 'HalfcloseWarning', code: 'HALFCLOSE_DEADLINE_WITHIN_DELAY' }],
        ])
        await policyOf({ readiness: '/ready', drain: { delay: 400, deadline: 300 }, logger })
        expect(logger.warn).toHaveBeenCalledTimes(1)
        expect(emitted).toHaveBeenCalledTimes(1)
      } finally {
        emitted.mockRestore()
      }
    })
  })

  describe('the readiness route', () => {
    async function started(options: HalfcloseFastifyOptions = {}) {
      const app = (await load(version))()
      const seen: string[] = []
      // Registered before, and would turn the probe away.
      app.addHook('onRequest', async (request, reply) => {
        seen.push(request.url)
        if (!request.headers.authorization) return reply.code(401).send({ error: 'who is there?' })
      })
      await app.register(halfclose, { drain: 'fast', readiness: '/ready', ...options })
      app.post('/ready', async () => 'posted')
      app.get('/ready/deeper', async () => 'deeper')
      const held = heldRoute(app)
      await app.listen({ port: 0, host: '127.0.0.1' })
      return { app, seen, held }
    }

    it('answers before any hook, GET and HEAD, with a query', async () => {
      const { app, seen } = await started()
      const server = supertest(app.server)
      const response = await server.get('/ready').expect(200, { ready: true, state: 'serving' })
      expect(response.headers).toMatchObject({ 'cache-control': 'no-store', 'content-type': 'application/json; charset=utf-8' })
      expect(response.headers).not.toHaveProperty('retry-after')
      await server.get('/ready?verbose').expect(200)
      const head = await server.head('/ready').expect(200)
      expect(head.headers['content-length']).toBe(response.headers['content-length'])
      expect(seen).toEqual([])
      await app.close()
    })

    it('lets the application have a say, by inject too, and has a liveness route beside it', async () => {
      let ready = true
      const check = async () => ready
      const { app } = await started({ readiness: { path: '/ready', check }, liveness: '/live' })
      const headers = { authorization: 'x' }
      for (const status of [200, 503]) {
        ready = status === 200
        await supertest(app.server).get('/ready').expect(status, { ready, state: 'serving' })
        expect((await app.inject({ url: '/ready', headers })).statusCode).toBe(status)
        await supertest(app.server).get('/live').expect(200, { alive: true })
        expect((await app.inject({ url: '/live', headers })).json()).toEqual({ alive: true })
      }
      await app.close()
    })

    it('leaves everything else to the application', async () => {
      const { app } = await started()
      const server = supertest(app.server)
      await server.post('/ready').expect(401)
      await server.post('/ready').set('Authorization', 'x').expect(200, 'posted')
      await server.get('/ready/deeper').set('Authorization', 'x').expect(200, 'deeper')
      await server.get('/ready2').expect(401)
      await server.get('/').expect(401)
      await app.close()
    })

    it('says 503 while leaving and draining, when requests are still served', async () => {
      const { app, held } = await started({ drain: { delay: 300, deadline: 8_000 } })
      // One for each: while leaving, any answer may say close.
      const [probe, later, busy] = [await connect(app), await connect(app), await connect(app)]
      void busy.send(get('/held', 'Authorization: x'))
      await held.arrived
      const closed = app.close()
      await until('leaving', () => app.halfclose.state === 'leaving')
      const leaving = await probe.ask(get('/ready'))
      expect(leaving).toMatchObject({ status: 503, text: '{"ready":false,"state":"leaving"}' })
      expect(leaving.header('retry-after')).toBe('8')
      expect(leaving.header('cache-control')).toBe('no-store')
      await until('draining', () => app.halfclose.state === 'draining')
      expect(await later.ask(get('/ready'))).toMatchObject({
        status: 503,
        text: '{"ready":false,"state":"draining"}',
        closes: true,
      })
      held.answer()
      expect((await busy.next()).status).toBe(200)
      await closed
    })

    it('answers inject() as well, which goes through the hooks', async () => {
      const { app } = await started()
      const authorized = { headers: { authorization: 'x' } }
      const response = await app.inject({ url: '/ready', ...authorized })
      expect(response.statusCode).toBe(200)
      expect(response.json()).toEqual({ ready: true, state: 'serving' })
      expect(response.headers['cache-control']).toBe('no-store')
      expect((await app.inject({ method: 'HEAD', url: '/ready', ...authorized })).statusCode).toBe(200)
      expect((await app.inject('/ready')).statusCode).toBe(401)
      await app.close()
    })
  })
})

describe('the versions of Fastify that it is for', () => {
  const { satisfies } = createRequire(require.resolve('fastify'))('semver')
  const { fastify: range } = Object.getOwnPropertyDescriptor(halfclose, Symbol.for('plugin-meta'))?.value ?? {}

  it.each(['4.29.0', '4.29.1', '5.0.0', '5.12.8', '6.0.0-alpha.4', '6.0.0-rc.1', '6.0.0', '6.1.0'])('admit %s', (version) => {
    expect(satisfies(version, range)).toBe(true)
  })

  it.each(['3.29.5', '4.28.1', '7.0.0'])('do not admit %s', (version) => {
    expect(satisfies(version, range)).toBe(false)
  })

  it('are those of its package', () => {
    expect(range).toBe(require('../package.json').peerDependencies.fastify)
  })
})

describe('called as a function', () => {
  it.each([
    ['nothing', undefined, 'undefined'],
    ['an Express app', require('express')(), '; for an Express app use `halfclose` of @halfclose/express'],
    ['an object', {}, 'an object'],
  ])('with %s it says what to write', (_what, app, hint) => {
    const call: (app: unknown, options: object) => unknown = Object.assign(halfclose)
    expect(() => call(app, {})).toThrow(
      expect.objectContaining({
        code: 'HALFCLOSE_NOT_AN_APP',
        message: expect.stringContaining('await app.register(halfclose, options)'),
      }),
    )
    expect(() => call(app, {})).toThrow(hint)
  })
})
