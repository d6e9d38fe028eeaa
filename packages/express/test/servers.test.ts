import { createServer, get as httpGet } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { attach } from '@halfclose/core'
import type { Report } from '@halfclose/express'
import { halfclose } from '@halfclose/express'
import supertest from 'supertest'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { openResources, until, within } from '../../../test/support/wait.js'
import { closed, connect, disconnectAll, heldRoute, listening, load, patient, versions } from './apps.js'

afterEach(disconnectAll)

describe.each(versions)('the servers of an app on %s', (version) => {
  it('are governed when they come from app.listen()', async () => {
    const app = (await load(version))()
    const connections = halfclose(app, patient)
    app.get('/', (_req, res) => void res.send('x'))
    const held = heldRoute(app)
    const server = await listening(app.listen(0, '127.0.0.1'))
    const [busy, promised] = [await connect(server), await connect(server)]
    void busy.send(get('/held'))
    await held.arrived
    expect((await promised.ask(get('/'))).header('keep-alive')).toBe('timeout=1')

    const drained = connections.drain({ reason: 'deploy' })
    expect(await promised.ask(get('/'))).toMatchObject({ status: 200, closes: true })
    held.answer()
    expect(await busy.next()).toMatchObject({ status: 200, closes: true })
    expect(await within(drained, () => 'drained')).toMatchObject({ clean: true, reason: 'deploy' })
    expect(server.listening).toBe(false)
  })

  it.each([
    ['http.createServer(app)', (app: Parameters<typeof createServer>[1]) => createServer(app), false],
    ['https.createServer(…, app)', (app: Parameters<typeof createServer>[1]) => createTlsServer(credentials, app), true],
  ])('are governed when they come from %s, attached or not', async (_what, make, tls) => {
    for (const byHand of [false, true]) {
      const app = (await load(version))()
      const connections = halfclose(app, { ...patient, drain: 'fast' })
      app.get('/', (_req, res) => void res.send('x'))
      const server = make(app)
      if (byHand) expect(connections.attach(server)).toBe(connections)
      await listening(server.listen(0, '127.0.0.1'))
      const client = await connect(server, { tls })
      expect((await client.ask(get('/'))).header('keep-alive')).toBe('timeout=1')
      expect(connections.stats().connections.opened).toBe(1)
      expect((await connections.drain()).clean).toBe(true)
      expect(await client.closed()).toBe('fin')
    }
  })

  it('are governed when attached by hand, though they do not call the app directly', async () => {
    const app = (await load(version))()
    const connections = halfclose(app, patient)
    app.get('/', (_req, res) => void res.send('x'))
    const server = createServer((req, res) => app(req, res))
    connections.attach(server)
    await listening(server.listen(0, '127.0.0.1'))
    const client = await connect(server)
    expect((await client.ask(get('/'))).header('keep-alive')).toBe('timeout=1')
    await connections.drain({ fast: true })
  })

  it('are left alone when they are not the app’s, or have a policy of their own', async () => {
    const make = await load(version)
    const app = make()
    const connections = halfclose(app, { drain: 'fast' })
    const other = await listening(make().listen(0, '127.0.0.1'))
    const own = createServer(app)
    const theirs = attach(own, { keepAlive: { timeout: 3_000 }, drain: 'fast' })
    await listening(own.listen(0, '127.0.0.1'))
    const client = await connect(own)
    expect((await client.ask(get('/'))).header('keep-alive')).toBe('timeout=3')
    await (await connect(other)).ask(get('/'))
    expect(connections.stats().connections.opened).toBe(0)
    disconnectAll()
    await Promise.all([theirs.drain(), connections.drain(), closed(other)])
  })

  it('close one by one, and drain all together', async () => {
    const app = (await load(version))()
    const connections = halfclose(app, patient)
    app.get('/', (_req, res) => void res.send('x'))
    const [first, second] = [await listening(app.listen(0, '127.0.0.1')), await listening(app.listen(0, '127.0.0.1'))]
    const client = await connect(second)
    await client.ask(get('/'))
    await within(closed(first), () => 'the first server closes')
    expect(connections.state).toBe('serving')
    expect(await client.ask(get('/'))).toMatchObject({ status: 200, closes: false })
    const all = connections.drain()
    expect(await client.ask(get('/'))).toMatchObject({ status: 200, closes: true })
    expect((await all).clean).toBe(true)
    expect(second.listening).toBe(false)
  })

  it('may fail to listen', async () => {
    const make = await load(version)
    const app = make()
    const connections = halfclose(app, { ...patient, signals: true })
    app.get('/', (_req, res) => void res.send('x'))
    const taken = await listening(createServer().listen(0, '127.0.0.1'))
    const address = taken.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    // Express 5 tells the callback, 4 and Node the 'error' event.
    const failing = createServer(app)
    const failed = new Promise<unknown>((resolve) => failing.once('error', resolve))
    failing.listen(port, '127.0.0.1')
    expect(await failed).toMatchObject({ code: 'EADDRINUSE' })
    expect(connections.state).toBe('serving')
    const server = await listening(app.listen(0, '127.0.0.1'))
    expect((await (await connect(server)).ask(get('/', 'Connection: close'))).status).toBe(200)
    disconnectAll()
    expect(await within(connections.drain(), () => 'drained')).toMatchObject({ clean: true })
    await closed(taken)
  })

  it('leave nothing behind, signals included', async () => {
    const before = openResources()
    const app = (await load(version))()
    halfclose(app, { ...patient, signals: true })
    expect(process.listenerCount('SIGTERM')).toBe(before["listeners of process 'SIGTERM'"] ?? 0)
    const server = await listening(app.listen(0, '127.0.0.1'))
    expect(process.listenerCount('SIGTERM')).toBe((before["listeners of process 'SIGTERM'"] ?? 0) + 1)
    await closed(server)
    const more = () => Object.entries(openResources()).filter(([kind, count]) => count > (before[kind] ?? 0))
    await until('nothing is left', () => more().length === 0).catch(() => expect(more()).toEqual([]))
  })

  describe('under supertest, which makes a server for each request', () => {
    async function tested() {
      const reports: Report[] = []
      const app = (await load(version))()
      const connections = halfclose(app, { readiness: '/ready', onDrained: (report) => void reports.push(report) })
      app.get('/', (_req, res) => void res.send('x'))
      return { app, connections, reports }
    }

    it('serves them all alike, one after the other', async () => {
      const { app, connections, reports } = await tested()
      for (let n = 0; n < 5; n++) {
        await supertest(app).get('/ready').expect(200)
        await supertest(app).get('/').expect(200, 'x')
        expect(connections.signal.aborted).toBe(connections.state !== 'serving')
      }
      expect(reports).toEqual([])
    })

    it('serves them all alike, at the same time', async () => {
      const { app, reports } = await tested()
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          for (let n = 0; n < 3; n++)
            await supertest(app)
              .get(n === 1 ? '/ready' : '/')
              .expect(200)
        }),
      )
      expect(reports).toEqual([])
    })

    it('serves a server that begins to listen while the one before is still closing', async () => {
      const { app, connections } = await tested()
      const first = await listening(app.listen(0, '127.0.0.1'))
      const client = await connect(first)
      await client.ask(get('/'))
      const closing = closed(first)
      const second = await listening(app.listen(0, '127.0.0.1'))
      expect((await (await connect(second)).ask(get('/'))).closes).toBe(false)
      await closing
      expect(connections.state).toBe('serving')
      expect((await (await connect(second)).ask(get('/ready'))).status).toBe(200)
      await connections.drain({ fast: true })
    })
  })

  it('let an app go that was dropped without being closed', async () => {
    const make = await load(version)
    const dropped = (() => {
      const app = make()
      halfclose(app, { drain: 'fast' })
      return new WeakRef(app)
    })()
    setFlagsFromString('--expose-gc')
    const gc: unknown = runInNewContext('gc')
    if (typeof gc !== 'function') throw new Error('no gc()')
    await until('it is collected', () => {
      gc()
      return dropped.deref() === undefined
    })
  })

  it('answers what is asked over an agent too', async () => {
    const app = (await load(version))()
    const connections = halfclose(app, patient)
    app.get('/', (_req, res) => void res.send('x'))
    const server = await listening(app.listen(0, '127.0.0.1'))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const field = await new Promise((resolve, reject) => {
      httpGet({ host: '127.0.0.1', port, agent: false }, (res) =>
        res.resume().on('end', () => resolve(res.headers.connection)),
      ).on('error', reject)
    })
    expect(field).toBe('close')
    await connections.drain()
  })
})
