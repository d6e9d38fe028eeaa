import { deepEqual, equal, ok } from 'node:assert/strict'
import { clientGone } from '@halfclose/core'
import { keeps } from '../../support/expect.js'
import { both, type Case, fastify, plain } from '../../support/h2/contract.js'
import { endsWith } from '../../support/h2/expect.js'
import { errors, frame, settings, uint32 } from '../../support/h2/frames.js'
import { get } from '../../support/requests.js'
import { until } from '../../support/wait.js'

/** Fields that speak of a connection of HTTP/1 (RFC 9113 §8.2.2). */
const OF_HTTP1 = ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']

export const conformance: Case[] = [
  {
    id: 'h2-conformance/streams-limit',
    rules: ['R165'],
    title: 'the server says how many streams may be open at once: finite, and no less than 100',
    run: async (host) => {
      const client = await host.connect()
      const { settings: theirs } = await client.frame('SETTINGS', ({ ack }) => !ack)
      const limit = theirs.get(settings.MAX_CONCURRENT_STREAMS) ?? Number.POSITIVE_INFINITY
      ok(limit >= 100 && limit < 2 ** 31, `${limit}`)
    },
  },
  {
    id: 'h2-conformance/one-stream-too-many',
    rules: ['R164', 'R177'],
    title: 'a stream over that limit, of a client that has not acknowledged it yet, is refused and not run; the others survive',
    run: async (host) => {
      // Once it was acknowledged nghttp2 makes this an error of the connection, and Node has no say in it.
      const client = await host.connect({ polite: false })
      const { settings: theirs } = await client.frame('SETTINGS', ({ ack }) => !ack)
      await client.frame('SETTINGS', ({ ack }) => ack)
      const limit = theirs.get(settings.MAX_CONCURRENT_STREAMS) ?? Number.POSITIVE_INFINITY
      ok(limit < 10_000, 'no limit is advertised')
      void client.send(...Array.from({ length: limit }, (_, index) => client.request(`/held/${index}`).bytes))
      await host.request(`/held/${limit - 1}`)
      const { reset } = await client.ended(client.ask('/one-too-many'))
      equal(reset, errors.REFUSED_STREAM, `${client}`)
      for (const { res } of host.seen.list) res.end('done')
      for (const stream of client.opened.slice(0, limit)) equal((await client.answer(stream)).text, 'done')
      ok(!host.paths.includes('/one-too-many'))
    },
  },
  {
    id: 'h2-conformance/own-streams-limit',
    rules: ['R165'],
    title: 'a limit that the application set stays',
    hosts: plain,
    regression: true,
    server: { settings: { maxConcurrentStreams: 7 } },
    run: async (host) => {
      const client = await host.connect()
      await client.get('/')
      const limits = client.all('SETTINGS').flatMap((one) => one.settings.get(settings.MAX_CONCURRENT_STREAMS) ?? [])
      deepEqual(limits, [7])
    },
  },
  {
    id: 'h2-conformance/connection-error',
    rules: ['R166'],
    title: 'an error of the connection: a GOAWAY that names the last stream and the error, then the connection is closed',
    options: { http2: { hold: 2_000 } },
    run: async (host) => {
      const client = await host.idleClient()
      void client.send(frame('DATA', 0, 9, Buffer.from('on a stream that nobody opened')))
      const { code, last } = await client.frame('GOAWAY')
      deepEqual([code, last], [errors.PROTOCOL_ERROR, 1])
      await client.closed()
      // Node 20 sends the GOAWAY, and then neither reads, nor writes, nor closes, nor says a word of it: `http2.hold` ends it.
      const reason = process.versions.node.startsWith('20.') ? 'idle' : 'error'
      await until('it is counted', () => host.connections.stats().closes[reason] === 1)
    },
  },
  {
    id: 'h2-conformance/early-answer',
    rules: ['R174'],
    title: 'an upload that is refused early: the answer is whole, the stream is then stopped, the session goes on',
    routes: { '/refuse': (_req, res) => void res.writeHead(413).end('too much') },
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/refuse', { method: 'POST', end: false })
      client.data(stream, Buffer.alloc(16_384))
      const { status, text } = await client.answer(stream)
      deepEqual([status, text], [413, 'too much'])
      equal((await client.frame('RST_STREAM', (one) => one.stream === stream)).code, errors.NO_ERROR)
      equal((await client.get('/next')).text, '/next')
    },
  },
  {
    id: 'h2-conformance/no-connection-fields',
    rules: ['R175', 'R176'],
    title: 'no field of a connection of HTTP/1 is ever in an answer, with keepAlive.parameters or while leaving neither',
    options: { keepAlive: { timeout: 2_000, maxRequests: 3, parameters: { pod: 'a1' } }, drain: { delay: 1_000 } },
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const answers = [await client.get('/first')]
      if (!host.bare) {
        void host.stop()
        await until('leaving', () => host.connections.state === 'leaving')
      }
      const stream = client.ask('/leaving')
      await client.ended(stream)
      answers.push(client.of(stream))
      for (const { fields } of answers)
        deepEqual(
          fields.filter(([name]) => OF_HTTP1.includes(name)),
          [],
        )
    },
  },
  {
    id: 'h2-conformance/native-no-connection-fields',
    rules: ['R175'],
    title: 'nor in an answer that the framework made',
    hosts: fastify,
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const { status, fields } = await client.get('/native/json')
      equal(status, 200)
      deepEqual(
        fields.filter(([name]) => OF_HTTP1.includes(name)),
        [],
      )
    },
  },
  {
    id: 'h2-conformance/http1-has-them',
    rules: ['R027', 'R175', 'R187'],
    title: 'while HTTP/1.1 on the same port is told what it is promised',
    hosts: both,
    options: { keepAlive: { timeout: 3_000 } },
    run: async (host) => {
      const client = await host.connectHttp1()
      keeps(await client.ask(get('/')), 'timeout=3')
    },
  },
  {
    id: 'h2-conformance/client-leaves',
    rules: ['R179'],
    title: 'a client that sends GOAWAY still gets the answers it waits for; then the server closes',
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      client.goaway()
      client.ping()
      await client.frame('PING', ({ ack }) => ack)
      res.end('done')
      equal((await client.answer(stream)).text, 'done')
      equal(await client.closed(), 'fin')
      await until('it is counted', () => host.connections.stats().closes['client-close'] === 1)
    },
  },
  {
    id: 'h2-conformance/half-closed',
    rules: ['R061', 'R179'],
    title: 'a client that ends its half of the connection still gets the answer it waits for',
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      client.connection.fin()
      await new Promise((resolve) => setTimeout(resolve, 200))
      res.end('done')
      equal((await client.answer(stream)).text, 'done')
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'h2-conformance/half-closed-told',
    rules: ['R061', 'R179', 'R192'],
    title:
      'clientGone is aborted at once for every request of a client that ends its half of the connection, which gets its answers all the same; and for a stream that is reset',
    run: async (host) => {
      const client = await host.connect()
      const cancelled = client.ask('/held/1')
      const { req: one } = await host.request('/held/1')
      const stream = client.ask('/held/2')
      const { req, res } = await host.request('/held/2')
      const [goneOne, gone] = [clientGone(one), clientGone(req)]
      client.cancel(cancelled)
      await until('the signal of the reset one is aborted', () => goneOne.aborted)
      equal(gone.aborted, false)
      client.connection.fin()
      await until('the signal of the other one is aborted', () => gone.aborted)
      equal(clientGone(res.stream).aborted, true)
      res.end('done')
      equal((await client.answer(stream)).text, 'done')
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'h2-conformance/half-closed-idle',
    rules: ['R061', 'R179'],
    title: 'a client that ends its half without a stream is let go at once',
    regression: true,
    run: async (host) => {
      const client = await host.idleClient()
      client.connection.fin()
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'h2-conformance/cancelled',
    rules: ['R192'],
    title: 'a stream that its client cancels is told to the application, and counted as aborted, not as cut',
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      client.cancel(stream)
      await until("res 'close'", () => res.stream.closed)
      await until('it is counted', () => host.connections.stats().requests.aborted === 1)
      equal(host.connections.stats().requests.cut, 0)
      void host.stop()
      await endsWith(client, stream)
    },
  },
  {
    id: 'h2-conformance/handler-breaks-off',
    rules: ['R130'],
    title: 'half a body that the handler breaks off does not look like a whole one; the session goes on',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      res.write('half of it')
      await client.head(stream)
      res.stream.close(errors.INTERNAL_ERROR)
      const { whole, reset } = await client.ended(stream)
      deepEqual([whole, reset], [false, errors.INTERNAL_ERROR])
      equal((await client.get('/next')).text, '/next')
    },
  },
  {
    id: 'h2-conformance/handler-destroys',
    rules: ['R130'],
    title:
      'a body that the handler destroys does not look like a whole one, amid a write, behind end(), amid a file, with an error or without, and is counted as cut',
    routes: {
      '/written': (_req, res) => void res.write('half of it'),
      '/ended': (_req, res) => void res.end(Buffer.alloc(1024 * 1024, 'x')),
      '/file': (_req, res) => res.stream.respondWithFile(process.execPath, { ':status': 200 }),
    },
    run: async (host) => {
      // It opens no window of a stream: no body gets beyond 64 KiB.
      const client = await host.connect({ polite: false })
      void client.send(frame('WINDOW_UPDATE', 0, 0, uint32(1024 * 1024)))
      let broken = 0
      for (const path of ['/written', '/ended', '/file']) {
        for (const error of [undefined, new Error('the handler gave up')]) {
          const stream = client.ask(`${path}?${++broken}`)
          const { res } = await host.request(`${path}?${broken}`)
          await until('some of the body', () => client.of(stream).chunks.length > 0)
          res.stream.on('error', () => {})
          res.stream.destroy(error)
          const { whole, reset } = await client.ended(stream)
          deepEqual([path, whole, reset], [path, false, errors.INTERNAL_ERROR])
        }
      }
      equal((await client.get('/next')).text, '/next')
      const counted = () => host.connections.stats().requests
      await until('them to be counted', () => counted().cut === broken).catch(() => equal(counted().cut, broken))
      deepEqual([counted().finished, counted().aborted], [1, 0])
    },
  },
]
