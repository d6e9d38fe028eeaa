import { deepEqual, equal, ok } from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import type { ServerResponse } from 'node:http'
import { type Case, withInterval } from '../../support/contract.js'
import { keeps } from '../../support/expect.js'
import { filled } from '../../support/filler.js'
import type { Host } from '../../support/host.js'
import { get, pipeline, post, postHead } from '../../support/requests.js'
import { pass } from '../../support/wait.js'

const MiB = 1024 * 1024
const store = new AsyncLocalStorage<string>()

/** Requests of the host whose answers are not yet out, beside this one. */
const besides = (res: ServerResponse, host: Host): string =>
  host.seen.list
    .filter((other) => other.res !== res && !other.res.writableFinished)
    .map(({ path }) => path)
    .join()

/** What reaches the application: one request at a time per connection, in order. */
export const gateOrder: Case[] = [
  {
    id: 'gate/one-post-at-a-time',
    rules: ['R053', 'R107'],
    title: 'a POST behind a POST is handed over when the answer before it is written',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(post('/held/1', 'a'), post('/held/2', 'b')))
      const first = await host.request('/held/1')
      await pass(150)
      deepEqual(host.paths, ['/held/1'])
      first.res.end('1')
      const second = await host.request('/held/2')
      ok(first.res.writableFinished, 'ran before the answer before it was written')
      second.res.end('2')
      deepEqual(
        (await client.take(2)).map(({ text }) => text),
        ['1', '2'],
      )
    },
  },
  {
    id: 'gate/one-get-at-a-time',
    rules: ['R107', 'R108'],
    title: 'only one request of a connection runs at any time, GETs included',
    routes: {
      '/a': (_req, res, host) => void setTimeout(() => res.end(`a ${besides(res, host)}`), 60),
      '/b': (_req, res, host) => {
        const others = besides(res, host)
        setTimeout(() => res.end(`b ${others}${besides(res, host)}`), 30)
      },
      '/c': (_req, res, host) => void res.end(`c ${besides(res, host)}`),
    },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/a'), get('/b'), get('/c')))
      deepEqual(
        (await client.take(3)).map(({ text }) => text),
        ['a ', 'b ', 'c '],
      )
    },
  },
  {
    id: 'gate/order-after-a-stop',
    rules: ['R107', 'R108'],
    title: 'what was kept unparsed behind requests that wait does not overtake them, when a slow answer before them is out',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/held/1'), post('/2', 'b'), get('/3')))
      const first = await host.request('/held/1')
      const behind = ['/4', '/5', '/6', '/7']
      await client.send(pipeline(...behind.map((path) => get(path))))
      await pass(50) // they are read, and not parsed: no event says so
      deepEqual(host.paths, ['/held/1'])
      // More than the kernel takes at once: the socket is written to again, and drained, when its last bytes are out.
      first.res.end(filled(8 * MiB))
      const answers = await client.take(7)
      deepEqual(host.paths, ['/held/1', '/2', '/3', ...behind])
      deepEqual(
        answers.slice(1).map(({ text }) => text),
        ['/2 1', '/3', ...behind],
      )
    },
  },
  {
    id: 'gate/order-after-a-stop-malformed',
    rules: ['R107', 'R108'],
    title: 'nor does the error for what makes no sense there',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/held/1'), post('/2', 'b'), get('/3')))
      const first = await host.request('/held/1')
      await client.send('this is not HTTP\r\n\r\n')
      await pass(50)
      first.res.end(filled(8 * MiB))
      await client.take(4)
      equal(client.statuses, '200 200 200 400')
      deepEqual(host.paths, ['/held/1', '/2', '/3'])
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'gate/in-order',
    rules: ['R051', 'R095', 'R108', 'R050'],
    title: 'answers to pipelined requests come in the order of the requests',
    regression: true,
    routes: Object.fromEntries(
      Array.from({ length: 20 }, (_, n) => [`/n/${n}`, (_req, res) => void setTimeout(() => res.end(`/n/${n}`), (n * 7) % 13)]),
    ),
    run: async (host) => {
      const client = await host.connect()
      const paths = Array.from({ length: 20 }, (_, n) => `/n/${n}`)
      void client.send(pipeline(...paths.map((path) => get(path))))
      deepEqual(
        (await client.take(20)).map(({ text }) => text),
        paths,
      )
      deepEqual(host.paths, paths)
    },
  },
  {
    id: 'gate/byte-by-byte',
    rules: ['R001', 'R050'],
    title: 'it does not matter how the bytes of a pipeline are cut into packets',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      for (const byte of pipeline(get('/a'), post('/b', 'body'), get('/c'))) await client.send(byte)
      client.parser.methods.push('GET', 'POST', 'GET')
      deepEqual(
        (await client.take(3)).map(({ text }) => text),
        ['/a', '/b 4', '/c'],
      )
    },
  },
  {
    id: 'gate/unread-body',
    rules: ['R104'],
    title: 'a body that the handler did not read is not taken for the next request',
    regression: true,
    routes: { '/ignores': (_req, res) => res.end('not read') },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(post('/ignores', get('/smuggled')), get('/next')))
      client.parser.methods.splice(1, 1)
      equal((await client.next()).text, 'not read')
      equal((await client.next()).text, '/next')
      deepEqual(host.paths, ['/ignores', '/next'])
    },
  },
  {
    id: 'gate/unread-large-body',
    rules: ['R104'],
    title: 'a large body that the handler answered without reading is read away, and the connection goes on',
    regression: true,
    alone: true,
    routes: { '/ignores': (_req, res) => res.end('not read') },
    run: async (host) => {
      const client = await host.connect()
      void client.send(postHead('/ignores', 16 * MiB))
      void client.send(filled(16 * MiB))
      const next = client.send(get('/next'))
      equal((await client.next()).text, 'not read')
      equal((await client.next()).text, '/next')
      ok(await next)
    },
  },
  {
    id: 'gate/flood',
    alone: true,
    rules: ['R094', 'R115'],
    title: 'reading stops while several requests wait, so a pipelined flood costs no memory',
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/held'))
      const { res } = await host.request('/held')
      const request = Buffer.from(get('/flood', `X-Padding: ${'x'.repeat(7_900)}`))
      const flood = await client.pour(Buffer.concat(Array<Buffer>(8).fill(request)), 48 * MiB)
      equal(flood.end, 'stalled', `the server took ${flood.taken} bytes of requests that cannot run yet`)
      deepEqual(host.paths, ['/held'])
      res.end('held')
      client.parser.methods.push('GET')
      for (const answer of await client.take(100)) equal(answer.status, 200)
    },
  },
  {
    id: 'gate/waiting-body',
    alone: true,
    rules: ['R094', 'R115'],
    title: "a waiting POST's body waits in the kernel, and is there in full when its turn comes",
    run: async (host) => {
      const client = await host.connect()
      await client.send(pipeline(get('/held'), postHead('/upload', 48 * MiB)))
      const { res } = await host.request('/held')
      const chunk = Buffer.alloc(64 * 1024, 'x')
      const early = await client.pour(chunk, 48 * MiB)
      equal(early.end, 'stalled', `the server took ${early.taken} bytes of a body that nobody can read yet`)
      res.end('held')
      equal((await client.next()).text, 'held')
      // The chunk that stalled is on its way already.
      await client.pour(chunk, 48 * MiB - early.taken - chunk.length, 6_000)
      equal((await client.next()).text, `/upload ${48 * MiB}`)
    },
  },
  {
    id: 'gate/held-outlives-request-timeout',
    rules: ['R160', 'R096'],
    title: 'a request that is held back is not punished by requestTimeout',
    regression: true,
    hosts: withInterval,
    server: { requestTimeout: 2_500, headersTimeout: 2_400, connectionsCheckingInterval: 100 },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/held'), postHead('/upload', MiB)))
      void client.send(Buffer.alloc(MiB, 'x'))
      const { res } = await host.request('/held')
      await pass(4_500)
      res.end('held')
      equal((await client.next()).text, 'held')
      equal((await client.next()).text, `/upload ${MiB}`)
      keeps(await client.ask(get('/next')))
      equal(client.statuses, '200 200 200')
    },
  },
  {
    id: 'gate/request-timeout-stays-on',
    rules: ['R021', 'R160', 'R083'],
    title: 'a body that does not arrive within requestTimeout is answered with 408 and the connection is closed',
    regression: true,
    hosts: withInterval,
    server: { requestTimeout: 2_500, headersTimeout: 2_400, connectionsCheckingInterval: 100 },
    run: async (host) => {
      const client = await host.connect()
      await client.send(postHead('/upload', 1_000))
      const answer = await client.next()
      equal(answer.status, 408)
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'gate/async-context',
    rules: ['R001'],
    title: 'a request that waited runs in its own async context, not in that of the answer before it',
    regression: true,
    routes: {
      '/context': (_req, res) => {
        const before = store.getStore() ?? 'none'
        store.run('of another request', () => void setImmediate(() => res.end(before)))
      },
    },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(...Array<string>(5).fill(get('/context'))))
      deepEqual(
        (await client.take(5)).map(({ text }) => text),
        Array<string>(5).fill('none'),
      )
    },
  },
]
