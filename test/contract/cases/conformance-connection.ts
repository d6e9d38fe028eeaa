import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { Case } from '../../support/contract.js'
import { closes, closesWith, keeps } from '../../support/expect.js'
import { filled } from '../../support/filler.js'
import type { Route } from '../../support/host.js'
import { get, get10, pipeline, postHead } from '../../support/requests.js'
import { pass, until } from '../../support/wait.js'

const routes: Record<string, Route> = {
  '/sized': (_req, res) => res.setHeader('Content-Length', 2).end('ok'),
  '/own-keep-alive': (_req, res) => res.setHeader('Keep-Alive', 'timeout=99').end('ok'),
  '/cache-control-as-option': (_req, res) =>
    res.setHeader('Connection', 'Cache-Control').setHeader('Cache-Control', 'no-store').end('ok'),
  '/private': (req, res) => void res.end(`${req.headers.connection}; ${req.headers['x-private']}`),
  '/large': (_req, res) => void res.end(filled(4 * 1024 * 1024)),
}

const cases: Case[] = [
  {
    id: 'conformance/options-applied-and-shown',
    rules: ['R013', 'R014', 'R016'],
    title:
      'the options of Connection are applied first; the application still sees them and the fields they name, to delete both',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const answer = await client.ask(get('/private', 'Connection: X-Private, close', 'X-Private: secret'))
      equal(answer.text, 'X-Private, close; secret')
      await closesWith(client, answer)
    },
  },
  {
    id: 'conformance/serial-parallel-pipelined',
    rules: ['R018', 'R040', 'R050'],
    title: 'serial, parallel, persistent and pipelined use work side by side',
    regression: true,
    run: async (host) => {
      const paths = ['/1', '/2', '/3', '/4', '/5']
      const use = async () => {
        const client = await host.idleClient()
        void client.send(pipeline(...paths.map((path) => get(path))))
        deepEqual(
          (await client.take(5)).map(({ text }) => text),
          paths,
        )
        keeps(await client.ask(get('/again')))
      }
      await Promise.all(Array.from({ length: 8 }, use))
      const once = await host.connect()
      await closesWith(once, await once.ask(get('/once', 'Connection: close')))
    },
  },
  {
    id: 'conformance/persistent-by-default',
    rules: ['R040', 'R097', 'R099'],
    title: 'HTTP/1.1 without any Connection field is persistent',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      for (let time = 1; time <= 20; time++) keeps(await client.ask(get(`/${time}`)))
    },
  },
  {
    id: 'conformance/http10-closes-by-default',
    rules: ['R131', 'R101'],
    title: 'HTTP/1.0 without any Connection field is closed after the response',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get10('/sized')))
    },
  },
  {
    id: 'conformance/dumb-proxy',
    rules: ['R037'],
    title: 'a connection that a dumb proxy left hanging (keep-alive granted, nobody will use it) is closed by the idle limit',
    regression: true,
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.connect()
      keeps(await client.ask(get10('/sized', 'Connection: Keep-Alive')))
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'conformance/keep-alive-never-beside-close',
    rules: ['R030', 'R183', 'R186'],
    title: "an application's own Keep-Alive field does not go out beside a close",
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get('/own-keep-alive', 'Connection: close')))
    },
  },
  {
    id: 'conformance/keep-alive-with-its-option',
    rules: ['R030', 'R134', 'R183', 'R186'],
    title:
      'Keep-Alive goes out only with the option keep-alive in Connection, and says what this hop does, not what the application wrote',
    run: async (host) => {
      const client = await host.connect()
      keeps(await client.ask(get('/sized')), 'timeout=5')
      keeps(await client.ask(get('/own-keep-alive')), 'timeout=5')
      keeps(await client.ask(get10('/sized', 'Connection: keep-alive')), 'timeout=5')
    },
  },
  {
    id: 'conformance/keep-alive-without-its-option',
    rules: ['R138', 'R184'],
    title: 'a Keep-Alive field that Connection does not name is ignored: HTTP/1.0 closes, HTTP/1.1 keeps its own promise',
    regression: true,
    run: async (host) => {
      const other = await host.connect()
      keeps(await other.ask(get('/sized', 'Keep-Alive: timeout=1, max=1')))
      keeps(await other.ask(get('/sized')))
      const client = await host.connect()
      await closesWith(client, await client.ask(get10('/sized', 'Keep-Alive: timeout=100')))
    },
  },
  {
    id: 'conformance/option-for-all-recipients',
    rules: ['R137'],
    title: 'a field that is meant for all recipients is not sent as a connection option',
    run: async (host) => {
      const client = await host.connect()
      const answer = await client.ask(get('/cache-control-as-option'))
      equal(answer.header('cache-control'), 'no-store')
      ok(!/cache-control/i.test(answer.header('connection') ?? ''), `${answer}`)
    },
  },
  {
    id: 'conformance/close-at-any-time',
    rules: ['R042', 'R106', 'R114'],
    title: 'a persistent connection may be closed at any time; its client asks again on a new one',
    regression: true,
    run: async (host) => {
      const client = await host.idleClient()
      keeps(client.first)
      host.server.closeIdleConnections()
      equal(await client.closed(), 'fin')
      equal(client.parser.garbage, '')
      keeps(await (await host.connect()).ask(get('/again')))
    },
  },
  {
    id: 'conformance/cut-midway',
    rules: ['R048', 'R106', 'R083'],
    title: 'connections that are cut in a head, in a body or in an answer harm nobody else',
    regression: true,
    run: async (host) => {
      const bystander = await host.idleClient()
      const inHead = await host.connect()
      await inHead.send('GET /half HTTP/1.1\r\nHo')
      const inBody = await host.connect()
      await inBody.send(`${postHead('/upload', 100)}only this`)
      const inAnswer = await host.connect()
      inAnswer.stream.pause()
      await inAnswer.send(get('/large'))
      const { req } = await host.request('/upload')
      const { res } = await host.request('/large')
      for (const client of [inHead, inBody, inAnswer]) client.reset()
      await until('the server to notice', () => req.destroyed && res.closed)
      ok(!req.complete)
      keeps(await bystander.ask(get('/still-here')))
      await until('the three to be gone', async () => (await host.openConnections()) === 1)
    },
  },
  {
    id: 'conformance/half-close-is-not-full-close',
    rules: ['R061', 'R062'],
    title: 'what the server closes after its last response is its output: what the client still writes is no error to it',
    run: async (host) => {
      const client = await host.connect({ obliging: false })
      const answer = await client.ask(get('/last', 'Connection: close'))
      closes(answer)
      equal(await client.closed(), 'fin')
      for (let time = 1; time <= 3; time++) {
        ok(await client.send(get('/too-late')), `${client}`)
        await pass(100) // a reset shows in the next write
      }
      match(host.paths.join(' '), /^\/last$/)
      client.fin()
      await client.over()
    },
  },
]

/** When a connection persists, and what is said of it. */
export const conformanceConnection: Case[] = cases.map((one) => ({ routes, ...one }))
