import { deepEqual, equal, ok } from 'node:assert/strict'
import { type Case, withInterval } from '../../support/contract.js'
import { closes, closesWith } from '../../support/expect.js'
import type { Host } from '../../support/host.js'
import { blockLoop, remoteClients } from '../../support/remote.js'
import { get, pipeline, postHead } from '../../support/requests.js'
import { pass, until, within } from '../../support/wait.js'

const options = { keepAlive: { timeout: 1_000 } }

/** A kept-alive client of a deploy: request after request until it is told that the connection ends. */
async function steady(host: Host): Promise<string> {
  const client = await host.connect()
  for (let n = 0; ; n++) {
    const sent = client.send(get(`/steady/${n}`))
    const answer = await client.next().catch(() => undefined)
    if (answer === undefined || !(await sent)) return `request ${n} lost`
    if (answer.status !== 200) return `request ${n} got ${answer.status}`
    if (answer.closes) return 'told'
    await pass(15)
    if (client.ending !== undefined) return `connection ended before its promise, untold, after request ${n}`
  }
}

/** Requests that are there when the server is told to stop, or come while it drains. */
export const drainRequests: Case[] = [
  {
    id: 'drain/in-flight',
    rules: ['R117', 'R203', 'R205'],
    title: 'a request in flight is answered with close, then FIN, and the drain ends',
    options,
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/held'))
      const { res } = await host.request('/held')
      await host.stopping()
      await pass(100)
      res.end('done')
      await closesWith(client, await client.next())
      const { clean, requests } = await host.report()
      deepEqual({ clean, requests }, { clean: true, requests: { finished: 1, rescued: 0, cut: 0 } })
    },
  },
  {
    id: 'drain/streaming',
    rules: ['R001', 'R047', 'R202'],
    title: 'an answer that is being streamed goes on to its end, then the connection ends',
    regression: true,
    options,
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/held'))
      const { res } = await host.request('/held')
      res.write('before ')
      await client.head(0)
      await host.stopping()
      for (let n = 0; n < 5; n++) {
        await pass(50)
        res.write('during ')
      }
      res.end('after')
      equal((await client.next()).text, 'before during during during during during after')
      equal(await client.closed(), 'fin')
      await within(host.stop(), () => 'stop() to end')
    },
  },
  {
    id: 'drain/pipelined',
    rules: ['R204', 'R109', 'R203'],
    title: 'requests that wait behind one in flight were accepted: all are answered, the last one with close',
    options,
    run: async (host) => {
      const client = await host.connect()
      await client.send(pipeline(get('/held'), get('/2'), get('/3')))
      const { res } = await host.request('/held')
      await pass(100)
      await host.stopping()
      res.end('1')
      deepEqual(
        (await client.take(3)).map(({ text, closes }) => `${text}${closes ? ' close' : ''}`),
        ['1', '/2', '/3 close'],
      )
      equal(await client.closed(), 'fin')
      equal((await host.report()).requests.finished, 3)
    },
  },
  {
    id: 'drain/upload',
    rules: ['R202', 'R203'],
    title: 'an upload that was under way is taken to its end and answered with close',
    options,
    run: async (host) => {
      const client = await host.connect()
      await client.send(`${postHead('/upload', 10)}01234`)
      await host.request('/upload')
      await host.stopping()
      await pass(300)
      await client.send('56789')
      const answer = await client.next()
      equal(answer.text, '/upload 10')
      await closesWith(client, answer)
      equal((await host.report()).requests.finished, 1)
    },
  },
  {
    id: 'drain/half-head',
    rules: ['R202', 'R203'],
    title: 'a request whose head was half received is answered with close',
    options,
    run: async (host) => {
      const client = await host.idleClient()
      const request = get('/half')
      await client.send(request.slice(0, 12))
      await pass(100)
      await host.stopping()
      await pass(300)
      client.parser.methods.push('GET')
      await client.send(request.slice(12))
      const answer = await client.next()
      equal(answer.text, '/half')
      await closesWith(client, answer)
      ok((await host.report()).clean)
    },
  },
  {
    id: 'drain/timers-stay-on',
    rules: ['R202', 'R021', 'R160'],
    title: 'headersTimeout and requestTimeout stay on while draining: a stalled head and a stalled body get their 408',
    hosts: withInterval,
    options,
    server: { headersTimeout: 900, requestTimeout: 1_000, connectionsCheckingInterval: 100 },
    run: async (host) => {
      const [head, body] = [await host.connect(), await host.connect()]
      await head.send('GET /half HTTP/1.1\r\nHost:')
      await body.send(`${postHead('/upload', 10)}01234`)
      await host.request('/upload')
      await host.stopping()
      head.parser.methods.push('GET')
      equal((await head.next()).status, 408)
      equal((await body.next()).status, 408)
      await within(host.stop(), () => 'stop() to end')
    },
  },
  {
    id: 'drain/in-the-kernel',
    rules: ['R204'],
    title: 'requests on idle connections that reached the kernel before the signal are answered',
    alone: true,
    options,
    run: async (host) => {
      const remote = await remoteClients(host, { count: 10, warm: true, delay: 150 })
      await blockLoop(500)
      const stopped = host.stop()
      const results = await remote.results
      const lost = results.filter(({ text }) => !text.endsWith('\r\n\r\n/late'))
      equal(lost.length, 0, `${lost.length} of 10 lost: ${JSON.stringify(lost[0])}`)
      await within(stopped, () => 'stop() to end')
      ok(results.every(({ text }) => /connection: close/i.test(text)))
    },
  },
  {
    id: 'drain/accept-queue',
    rules: ['R196', 'R204'],
    title: 'connections whose handshake was finished before the signal are served',
    alone: true,
    options,
    run: async (host) => {
      const remote = await remoteClients(host, { count: 30, warm: false, delay: 100 })
      await blockLoop(500)
      const stopped = host.stop()
      const results = await remote.results
      const lost = results.filter(({ text }) => !text.endsWith('\r\n\r\n/late'))
      equal(lost.length, 0, `${lost.length} of 30 lost: ${JSON.stringify(lost[0])}`)
      await within(stopped, () => 'stop() to end')
    },
  },
  {
    id: 'drain/accept-queue-of-a-slow-machine',
    rules: ['R196', 'R204'],
    title: 'they are served also where one turn of the loop takes long after the signal',
    alone: true,
    options,
    run: async (host) => {
      const remote = await remoteClients(host, { count: 30, warm: false, delay: 100 })
      await blockLoop(500)
      const slow = blockLoop(1_300)
      const stopped = host.stop()
      await slow
      const results = await remote.results
      const lost = results.filter(({ text }) => !text.endsWith('\r\n\r\n/late'))
      equal(lost.length, 0, `${lost.length} of 30 lost: ${JSON.stringify(lost[0])}`)
      await within(stopped, () => 'stop() to end')
    },
  },
  {
    id: 'drain/steady-clients',
    rules: ['R052', 'R117', 'R203', 'R204', 'R205'],
    title: 'of twenty clients that go on sending none loses a request or sees a 503; each is told that its connection ends',
    options,
    run: async (host) => {
      const clients = Array.from({ length: 20 }, () => steady(host))
      await until('the clients at work', () => host.seen.list.length > 100)
      void host.stop()
      deepEqual(new Set(await Promise.all(clients)), new Set(['told']))
      const { requests, promisesBroken } = await host.report()
      equal(requests.cut, 0)
      deepEqual(promisesBroken, {})
      equal(requests.finished + requests.rescued, 20)
    },
  },
  {
    id: 'drain/late-handler',
    rules: ['R117', 'R203'],
    title: 'a handler that sets Connection: keep-alive while draining is overruled',
    options,
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/held'))
      const { res } = await host.request('/held')
      await host.stopping()
      res.writeHead(200, { Connection: 'keep-alive', 'Content-Length': 2 }).end('ok')
      const answer = await client.next()
      closes(answer)
      equal(await client.closed(), 'fin')
    },
  },
]
