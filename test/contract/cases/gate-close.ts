import { deepEqual, equal } from 'node:assert/strict'
import { type Case, withInterval } from '../../support/contract.js'
import { closes, closesWith } from '../../support/expect.js'
import { ask, get, pipeline, post } from '../../support/requests.js'
import { pass } from '../../support/wait.js'

const tooLong = get('/too-long', `X-Long: ${'x'.repeat(20_000)}`)
const noHost = 'GET /no-host HTTP/1.1\r\n\r\n'
const nonsense = 'this is not HTTP\r\n\r\n'

/** Something bad behind a good request whose answer is still to come. */
const behindGood = (id: string, what: string, bad: string, status: number, more: Partial<Case> = {}): Case => ({
  id: `gate/${id}-behind-good`,
  rules: ['R068', 'R095', 'R108'],
  title: `${what} behind a good request gets its ${status} after the good answer`,
  run: async (host) => {
    const client = await host.connect()
    void client.send(pipeline(get('/held'), bad))
    const { res } = await host.request('/held')
    await pass(500) // the error must not go first, nor swallow the answer
    equal(client.statuses, '')
    res.end('good')
    equal((await client.next()).text, 'good')
    client.parser.methods.push('GET')
    const answer = await client.next()
    equal(answer.status, status)
    equal(await client.closed(), 'fin')
    equal(client.parser.garbage, '')
    deepEqual(host.paths, ['/held'])
  },
  ...more,
})

/** Nothing behind a close reaches the application, and nothing bad there swallows an answer. */
export const gateClose: Case[] = [
  {
    id: 'gate/pipelined-over-limit',
    rules: ['R120', 'R122', 'R052', 'R109'],
    title: 'a burst of six over a limit of three gets exactly three answers, then FIN: never a 503',
    options: { keepAlive: { maxRequests: 3 } },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(...['/1', '/2', '/3', '/4', '/5', '/6'].map((path) => get(path))))
      await client.take(3)
      await closesWith(client, client.last)
      equal(client.statuses, '200 200 200')
      deepEqual(host.paths, ['/1', '/2', '/3'])
    },
  },
  {
    id: 'gate/behind-requested-close',
    regression: true,
    rules: ['R120', 'R043'],
    title: 'nothing behind a request that says close is processed',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/last', 'Connection: close'), post('/after', 'x')))
      await closesWith(client, await client.next())
      deepEqual(host.paths, ['/last'])
      equal(client.statuses, '200')
    },
  },
  {
    id: 'gate/behind-late-close',
    rules: ['R122'],
    title: 'nothing behind an answer that says close is processed, also when the handler says it late',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/held'), post('/after', 'x'), get('/after')))
      const { res } = await host.request('/held')
      res.setHeader('Connection', 'close')
      res.end('bye')
      await closesWith(client, await client.next())
      deepEqual(host.paths, ['/held'])
      equal(client.statuses, '200')
    },
  },
  {
    id: 'gate/sent-after-close-was-read',
    rules: ['R122', 'R124'],
    title: 'a request sent after the closing answer was read is not processed, and does not reset the connection',
    run: async (host) => {
      const client = await host.connect({ obliging: false })
      await client.ask(get('/last', 'Connection: close'))
      equal(await client.closed(), 'fin')
      await client.send(get('/after'))
      await client.send(get('/after'))
      await pass(200)
      equal(client.gone, false, `${client}`)
      deepEqual(host.paths, ['/last'])
    },
  },
  {
    id: 'gate/garbage-behind-close',
    rules: ['R043'],
    title: 'bytes behind a request that says close do not disturb its pending answer',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/held', 'Connection: close'), nonsense))
      const { res } = await host.request('/held')
      await pass(200)
      res.end('answer')
      await closesWith(client, await client.next())
      equal(client.statuses, '200')
      equal(client.last.text, 'answer')
    },
  },
  {
    id: 'gate/line-break-behind-last',
    rules: ['R067', 'R043'],
    title: 'an empty line behind a last POST, as old clients send it, does not disturb its pending answer',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(`${post('/held', 'x', 'Connection: close')}\r\n`)
      const { res } = await host.request('/held')
      await pass(100)
      res.end('answer')
      equal((await client.next()).text, 'answer')
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'gate/limit-and-fin',
    rules: ['R120', 'R125'],
    title: 'a burst over the limit whose client has sent FIN gets the allowed answers and nothing else',
    options: { keepAlive: { maxRequests: 2 } },
    routes: Object.fromEntries(
      ['/1', '/2', '/3'].map((path) => [path, (_req, res) => void setTimeout(() => res.end(path), 100)]),
    ),
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/1'), get('/2'), get('/3')))
      client.fin()
      await client.take(2)
      await closesWith(client, client.last)
      deepEqual(host.paths, ['/1', '/2'])
    },
  },
  behindGood('malformed', 'what is malformed', nonsense, 400),
  behindGood('too-long', 'a head that is too long', tooLong, 431),
  behindGood('no-host', 'a request without Host', noHost, 400, { rules: ['R069', 'R108'], regression: true }),
  behindGood('half-head', 'a head that does not end within headersTimeout', 'GET /half HTTP/1.1\r\nHost:', 408, {
    rules: ['R092', 'R160', 'R108'],
    hosts: withInterval,
    server: { headersTimeout: 200, requestTimeout: 5_000, connectionsCheckingInterval: 50 },
  }),
  {
    id: 'gate/behind-malformed',
    rules: ['R068', 'R120'],
    title: 'nothing behind a malformed request is processed',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(nonsense, get('/after')))
      client.parser.methods.splice(0)
      equal((await client.next()).status, 400)
      equal(await client.closed(), 'fin')
      deepEqual(host.paths, [])
    },
  },
  {
    id: 'gate/behind-no-host',
    rules: ['R069', 'R122'],
    title: 'a request without Host gets its 400, says close, and nothing behind it is processed',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(noHost, get('/after')))
      const answer = await client.next()
      equal(answer.status, 400)
      await closesWith(client, answer)
      deepEqual(host.paths, [])
    },
  },
  {
    id: 'gate/http10-needs-no-host',
    rules: ['R069'],
    title: 'HTTP/1.0 needs no Host',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      equal((await client.ask('GET /old HTTP/1.0\r\n\r\n')).status, 200)
    },
  },
  {
    id: 'gate/continue-behind-close',
    regression: true,
    rules: ['R120', 'R157'],
    title: 'a request that expects 100-continue behind a close gets neither 100 nor an answer',
    run: async (host) => {
      const client = await host.connect()
      const expecting = ask('POST', '/after', 'Expect: 100-continue', 'Content-Length: 3')
      void client.send(pipeline(get('/last', 'Connection: close'), expecting))
      await closesWith(client, await client.next())
      equal(client.statuses, '200')
      equal(client.interim.list.length, 0)
      deepEqual(host.paths, ['/last'])
    },
  },
  {
    id: 'gate/unknown-expectation-behind-close',
    rules: ['R120', 'R156'],
    title: 'an unknown expectation behind a close gets no 417',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/held', 'Connection: close'), get('/after', 'Expect: the-unexpected')))
      const { res } = await host.request('/held')
      res.end('bye')
      await closesWith(client, await client.next())
      equal(client.statuses, '200')
      closes(client.last)
    },
  },
]
