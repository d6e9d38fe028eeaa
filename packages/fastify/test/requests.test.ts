import { once } from 'node:events'
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2'
import { clientGone, type HalfcloseFastifyOptions, halfclose } from '@halfclose/fastify'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { get } from '../../../test/support/requests.js'
import { deferred, until, within } from '../../../test/support/wait.js'
import { connect, disconnectAll, load, patient, portOf, versions } from './apps.js'

// Fastify's own request object, and probes over HTTP/2.

const sessions: ClientHttp2Session[] = []

afterEach(() => {
  disconnectAll()
  for (const session of sessions.splice(0)) session.destroy()
})

/** An application with a route that keeps its request until it is answered. */
async function holding(app: FastifyInstance, options: HalfcloseFastifyOptions = patient) {
  const arrived = deferred<FastifyRequest>()
  const answer = deferred<void>()
  await app.register(halfclose, options)
  app.get('/', async () => 'x')
  app.get('/held', async (request) => {
    arrived.resolve(request)
    await answer.promise
    return 'all the same'
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { arrived: () => within(arrived.promise, () => 'the request'), answer: () => answer.resolve() }
}

function open(app: FastifyInstance): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${portOf(app)}`).on('error', () => {})
  sessions.push(session)
  return session
}

async function ask(session: ClientHttp2Session, path: string): Promise<{ status: unknown; text: string }> {
  const stream = session.request({ ':path': path })
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const [[head]] = await within(Promise.all([once(stream, 'response'), once(stream, 'end')]), () => `the answer to ${path}`)
  return { status: head[':status'], text }
}

describe.each(versions)('%s', (version) => {
  test.each(['fin', 'vanish'] as const)("clientGone takes Fastify's request and its `raw`: %s", async (leave) => {
    const app = (await load(version))()
    const held = await holding(app)
    const client = await connect(app)
    void client.send(get('/held'))
    const request = await held.arrived()
    const gone = clientGone(request)
    expect(clientGone(request.raw)).toBe(gone)
    expect(gone.aborted).toBe(false)
    client[leave]()
    await until('the signal is aborted', () => gone.aborted)
    held.answer()
    // One that has only ended its output is answered all the same.
    if (leave === 'fin') expect(await client.next()).toMatchObject({ status: 200, text: 'all the same' })
    await within(app.close(), () => 'close() resolves')
  })

  test('the same over HTTP/2, of the stream that is reset alone', async () => {
    const app = (await load(version))({ http2: true })
    const held = await holding(app)
    const stream = open(app)
      .request({ ':path': '/held' })
      .on('error', () => {})
    const request = await held.arrived()
    const gone = clientGone(request)
    expect(clientGone(request.raw)).toBe(gone)
    expect(gone.aborted).toBe(false)
    stream.close(8)
    await until('the signal is aborted', () => gone.aborted)
    held.answer()
    sessions[0]?.close()
    await within(app.close(), () => 'close() resolves')
  })

  test('readiness.check is asked over HTTP/2 too, and shared by the probes that come while it runs', async () => {
    const said = [() => true, () => false, () => Promise.reject(new Error('no database')), () => new Promise(() => {})]
    let asked = 0
    const check = () => said[asked++]?.()
    const logger = { info() {}, warn() {} }
    const app = (await load(version))({ http2: true })
    await holding(app, { logger, readiness: { path: '/ready', check, timeout: 50 }, liveness: '/live', drain: { delay: 0 } })
    const session = open(app)
    for (const status of [200, 503, 503, 503]) expect(await ask(session, '/ready')).toMatchObject({ status })
    expect(asked).toBe(4)
    const [one, two] = await Promise.all([ask(session, '/ready?a'), ask(session, '/ready?b')])
    expect(one).toEqual({ status: 200, text: '{"ready":true,"state":"serving"}' })
    expect(two).toEqual(one)
    expect(await ask(session, '/live')).toMatchObject({ status: 200 })
    session.close()
    await within(app.close(), () => 'close() resolves')
  })

  test('readiness probes over HTTP/2 are no requests that a drain has rescued', async () => {
    const app = (await load(version))({ http2: true })
    const logger = { info() {}, warn() {} }
    await holding(app, { ...patient, logger, readiness: '/ready', drain: { delay: 200, deadline: 10_000 } })
    const session = open(app)
    await ask(session, '/')
    const drained = app.halfclose.drain()
    expect(await ask(session, '/ready')).toMatchObject({ status: 503 })
    expect(await ask(session, '/')).toMatchObject({ status: 200 })
    const { requests } = await within(drained, () => 'the drain')
    expect(requests).toEqual({ finished: 0, rescued: 1, cut: 0 })
    await within(app.close(), () => 'close() resolves')
  })
})
