import { deepEqual, equal, rejects } from 'node:assert/strict'
import { type Case, plain } from '../../support/h2/contract.js'
import { announced, drained, endsWith, keptItsWord } from '../../support/h2/expect.js'
import { ACK, frame, settings, uint32 } from '../../support/h2/frames.js'
import { pass, until, within } from '../../support/wait.js'

/** What becomes of the streams of a session when the server is told to stop. */
export const drain: Case[] = [
  {
    id: 'h2-drain/in-flight',
    rules: ['R168', 'R170', 'R171', 'R202'],
    title: 'streams in flight are answered whole behind a GOAWAY that names the last of them; then FIN',
    run: async (host) => {
      const client = await host.idleClient()
      const streams = ['/held/a', '/held/b', '/held/c'].map((path) => client.ask(path))
      const [a, b, c] = [await host.request('/held/a'), await host.request('/held/b'), await host.request('/held/c')]
      b.res.write('half of ')
      await client.head(streams[1] ?? 0)
      void host.stop()
      equal((await announced(client)).last, 7)
      for (const { res } of [c, a]) res.end('late')
      await pass(100)
      b.res.end('it')
      const answers = await Promise.all(streams.map((stream) => client.answer(stream)))
      deepEqual(
        answers.map(({ text }) => text),
        ['late', 'half of it', 'late'],
      )
      await endsWith(client, 7)
      deepEqual(new Set(client.goaways.map(({ last, code }) => `${last} ${code}`)), new Set(['7 0'])) // Node says it again at the end
      await drained(host, { requests: { finished: 3, rescued: 0, cut: 0 } })
    },
  },
  {
    id: 'h2-drain/upload-goes-on',
    rules: ['R171', 'R202'],
    title: 'an upload half received goes on behind the GOAWAY, with windows opened as ever, and is answered',
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/upload', { method: 'POST', end: false })
      client.data(stream, Buffer.alloc(10_000))
      await host.request('/upload')
      void host.stop()
      equal((await announced(client)).last, stream)
      let left = 300_000
      while (left > 0) {
        await client.until(() => client.window(stream) > 0, 'a window')
        const bytes = Math.min(left, client.window(stream), 16_384)
        client.data(stream, Buffer.alloc(bytes), bytes === left)
        left -= bytes
      }
      equal((await client.answer(stream)).text, '/upload 310000')
      await endsWith(client, stream)
      await drained(host)
    },
  },
  {
    id: 'h2-drain/not-run',
    rules: ['R171', 'R172', 'R177'],
    title: 'a stream opened behind the GOAWAY is never run, and those before it are answered none the less',
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      void host.stop()
      equal((await announced(client)).last, stream)
      client.ask('/too-late', { method: 'POST' })
      client.ask('/too-late', { method: 'POST', end: false })
      client.ping()
      await client.frame('PING', ({ ack }) => ack)
      res.end('done')
      equal((await client.answer(stream)).text, 'done')
      await endsWith(client, stream)
      deepEqual(host.paths, ['/held'])
    },
  },
  {
    id: 'h2-drain/ping',
    rules: ['R167'],
    title: 'a PING is answered while draining',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      await host.stopping()
      client.ping('draining')
      await client.frame('PING', ({ ack, data }) => ack && data.toString() === 'draining')
      res.end('done')
      await client.answer(stream)
    },
  },
  {
    id: 'h2-drain/idle',
    rules: ['R168', 'R178', 'R202'],
    title: 'an idle session gets its GOAWAY and FIN at once: nobody promised it anything, and it can tell what was run',
    run: async (host) => {
      const client = await host.idleClient()
      await client.get('/second')
      void host.stop()
      equal((await announced(client)).last, 3)
      await endsWith(client, 3)
      await drained(host, {
        requests: { finished: 0, rescued: 0, cut: 0 },
        connections: { closed: 1, byReason: { draining: 1 } },
      })
    },
  },
  {
    id: 'h2-drain/no-stream',
    rules: ['R168', 'R202'],
    title: 'a session that never opened a stream gets a GOAWAY that says so, then FIN',
    run: async (host) => {
      const client = await host.connect()
      await client.frame('SETTINGS', ({ ack }) => ack)
      void host.stop()
      equal((await announced(client)).last, 0)
      await endsWith(client, 0)
      await drained(host)
    },
  },
  {
    id: 'h2-drain/no-preface',
    rules: ['R021', 'R202'],
    title: 'a connection that never sends its preface does not hold the drain longer than drain.silent',
    options: { drain: { silent: 700 } },
    run: async (host) => {
      const client = await host.connect({ preface: false })
      await until('the server to see it', async () => (await host.openConnections()) === 1)
      void host.stop()
      equal(await client.closed(), 'fin')
      await drained(host)
    },
  },
  {
    id: 'h2-drain/racing',
    rules: ['R168', 'R171', 'R177'],
    title: 'of twenty sessions that go on opening streams every one can tell what was run: nothing is lost, nothing runs twice',
    routes: { '/r': (_req, res) => void setTimeout(() => res.end('ok'), 5) },
    run: async (host) => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => host.connect()))
      const pathOf = (index: number) => (stream: number) => `/r?${index}-${stream}`
      await Promise.all(clients.map((client) => client.frame('SETTINGS')))
      const works = clients.map(async (client, index) => {
        for (let stream = 1; client.connection.ending === undefined && stream < 4_000; stream += 2) {
          client.ask(pathOf(index)(stream))
          await pass(2)
        }
      })
      await until('the clients at work', () => host.seen.list.length > 100)
      void host.stop()
      for (const [index, client] of clients.entries()) {
        await announced(client)
        equal(await client.closed(), 'fin', `${client}`)
        keptItsWord(host, client, pathOf(index))
      }
      await Promise.all(works)
      await drained(host)
    },
  },
  {
    id: 'h2-drain/still-sending',
    rules: ['R048', 'R052', 'R168', 'R174'],
    title: 'a client that does not read yet and goes on sending loses neither the answer nor the GOAWAY to a reset',
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      client.connection.stream.pause()
      void host.stop()
      await until('the server to stop listening', () => !host.server.listening)
      const session = [...host.sessions]
      res.end('the last answer')
      await until('the answer to be written', () => res.writableFinished)
      await pass(300)
      for (let i = 0; i < 10; i++) {
        client.ping()
        client.ask(`/late/${i}`)
        await pass(20)
      }
      client.connection.stream.resume()
      equal((await client.answer(stream)).text, 'the last answer')
      // Behind a notice some of them are run: up to the one that the GOAWAY then names.
      await client.closed()
      await endsWith(client, client.goaways.at(-1)?.last ?? 0)
      keptItsWord(host, client, (opened) => (opened === stream ? '/held' : `/late/${(opened - stream) / 2 - 1}`))
      equal(session.length, 1)
    },
  },
  {
    id: 'h2-drain/two-goaways',
    rules: ['R169', 'R170', 'R202'],
    title:
      'without TLS the GOAWAY comes twice: first as a notice; what crosses that is run, up to the stream that the second one names',
    hosts: ['http2', 'fastify4h2', 'fastify5h2', 'fastify6h2'],
    run: async (host) => {
      const client = await host.connect({ polite: false })
      await client.get('/before')
      void host.stop()
      await until('the notice', () => client.notices.length === 1)
      // Sent before it has said that it knows: it has not seen the notice yet.
      equal((await client.get('/crossing')).text, '/crossing')
      equal(client.goaways.length, 0)
      const { data } = await client.frame('PING', ({ ack }) => !ack)
      void client.send(frame('PING', ACK, 0, data))
      await endsWith(client, 3)
      deepEqual(host.paths, ['/before', '/crossing'])
    },
  },
  {
    id: 'h2-drain/notice-and-slow-reader',
    rules: ['R169', 'R171', 'R207'],
    title: 'a client that takes its answer slowly is told once its socket is free, or a second later; the answer is whole',
    hosts: ['http2', 'fastify4h2', 'fastify5h2', 'fastify6h2'],
    routes: { '/large': (_req, res) => void res.end(Buffer.alloc(20 * 1024 * 1024, 'x')) },
    run: async (host) => {
      const client = await host.connect({ settings: [[settings.INITIAL_WINDOW_SIZE, 2 ** 31 - 1]] })
      void client.send(frame('WINDOW_UPDATE', 0, 0, uint32(2 ** 30)))
      client.connection.stream.pause()
      const stream = client.ask('/large')
      await host.request('/large')
      await pass(300)
      void host.stop()
      await until('the server to stop listening', () => !host.server.listening)
      await pass(300)
      client.connection.stream.resume()
      equal((await client.answer(stream)).text.length, 20 * 1024 * 1024)
      await endsWith(client, stream)
    },
  },
  {
    id: 'h2-drain/notice-unanswered',
    rules: ['R169', 'R202'],
    title: 'a client that never answers the PING behind the notice is told the last stream all the same, a second later',
    hosts: ['http2', 'fastify4h2', 'fastify5h2', 'fastify6h2'],
    run: async (host) => {
      const client = await host.connect({ polite: false })
      await client.get('/')
      await drained(host)
      await endsWith(client, 1)
      equal(client.notices.length, 1)
    },
  },
  {
    id: 'h2-drain/refuses-new',
    rules: ['R196', 'R202'],
    title: 'while draining the server no longer listens',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      const { port } = host
      await host.stopping()
      await rejects(host.connectTo(port), /ECONNREFUSED/)
      res.end()
      await client.answer(stream)
    },
  },
  {
    id: 'h2-drain/signal',
    rules: ['R202'],
    title: 'an event stream is told through the signal, and may end itself',
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      host.connections.signal.addEventListener('abort', () => res.end('goodbye'))
      res.write('hello ')
      await client.head(stream)
      void host.stop()
      equal((await client.answer(stream)).text, 'hello goodbye')
      await endsWith(client, stream)
      await drained(host)
    },
  },
  {
    id: 'h2-drain/server-close',
    rules: ['R202'],
    title: 'server.close() drains, and calls back when everything has ended',
    hosts: plain,
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      let closed = false
      const done = new Promise<void>((resolve) => host.server.close(() => resolve()))
      void done.then(() => {
        closed = true
      })
      equal((await announced(client)).last, stream)
      equal(closed, false)
      res.end('done')
      equal((await client.answer(stream)).text, 'done')
      await endsWith(client, stream)
      await within(done, () => 'the callback of close()')
      if (!host.bare) equal(host.connections.state, 'drained')
    },
  },
  {
    id: 'h2-drain/client-vanishes',
    rules: ['R192', 'R202'],
    title: 'a session whose client resets the connection no longer holds the drain',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      client.ask('/held')
      await host.request('/held')
      await host.stopping()
      client.connection.reset()
      await within(host.stop(), () => 'stop() to end', 4_000)
    },
  },
  {
    id: 'h2-drain/client-stays',
    rules: ['R065', 'R112', 'R202'],
    title: 'a client that never ends its half after ours holds the drain for linger.quiet, not for ever',
    options: { linger: { quiet: 500 } },
    run: async (host) => {
      const client = await host.idleClient({ obliging: false })
      void host.stop()
      await announced(client)
      await endsWith(client, 1)
      await drained(host)
    },
  },
  {
    id: 'h2-drain/client-goes-on',
    rules: ['R065', 'R202', 'R206'],
    title: 'nor does one that goes on sending: the linger has its bounds',
    options: { linger: { quiet: 500, total: 1_500 } },
    run: async (host) => {
      const client = await host.idleClient({ obliging: false })
      const sending = setInterval(() => client.ping(), 50)
      void host.stop()
      await endsWith(client, 1).finally(() => setTimeout(() => clearInterval(sending), 5_000))
      await within(host.stop(), () => 'stop() to end').finally(() => clearInterval(sending))
    },
  },
]
