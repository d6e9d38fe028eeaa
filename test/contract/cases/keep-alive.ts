import { deepEqual, equal, ok } from 'node:assert/strict'
import { type Case, frameworks } from '../../support/contract.js'
import { closes, closesWith, keeps } from '../../support/expect.js'
import { get, get10, pipeline } from '../../support/requests.js'
import { pass } from '../../support/wait.js'

/** What the connection promises, how long it is really kept, and how many requests it serves. */
export const keepAlive: Case[] = [
  {
    id: 'keep-alive/default',
    rules: ['R020', 'R097', 'R187'],
    title: 'with no option given, at most five seconds are promised',
    regression: true, // but Fastify promises 72
    run: async (host) => keeps(await (await host.connect()).ask(get('/a')), 'timeout=5'),
  },
  {
    id: 'keep-alive/whole-seconds',
    rules: ['R026', 'R187'],
    title: 'timeout is promised in whole seconds, rounded down',
    options: { keepAlive: { timeout: 2_900 } },
    run: async (host) => keeps(await (await host.connect()).ask(get('/a')), 'timeout=2'),
  },
  {
    id: 'keep-alive/under-a-second',
    rules: ['R027'],
    title: 'a promise under one second is not advertised, and the connection still persists',
    options: { keepAlive: { timeout: 500 } },
    run: async (host) => {
      const client = await host.idleClient()
      const answer = await client.ask(get('/a'))
      keeps(answer)
      equal(answer.header('keep-alive'), undefined)
    },
  },
  {
    id: 'keep-alive/kept-as-promised',
    slow: true,
    rules: ['R027', 'R187'],
    title: 'who was told five seconds can send a request for five seconds',
    regression: true,
    run: async (host) => {
      const client = await host.idleClient()
      await pass(4_800)
      equal((await client.ask(get('/late'))).text, '/late')
    },
  },
  {
    id: 'keep-alive/kept-longer',
    slow: true,
    rules: ['R056', 'R187'],
    title: 'an idle connection is kept longer than was promised',
    regression: true, // Node adds a second of its own
    options: { keepAlive: { timeout: 4_999 } },
    server: { keepAliveTimeout: 4_999 },
    run: async (host) => {
      const client = await host.idleClient()
      keeps(client.first, 'timeout=4')
      await pass(5_500)
      equal((await client.ask(get('/late'))).text, '/late')
    },
  },
  {
    id: 'keep-alive/hold',
    slow: true,
    rules: ['R187', 'R111'],
    title: 'hold keeps an idle connection for longer than is promised',
    options: { keepAlive: { timeout: 1_000, hold: 4_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.idleClient()
      keeps(client.first, 'timeout=1')
      await pass(3_200)
      keeps(await client.ask(get('/late')), 'timeout=1')
    },
  },
  {
    id: 'keep-alive/anew-after-each-response',
    rules: ['R111'],
    title: 'the promise starts anew with every response',
    regression: true,
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.idleClient()
      for (const path of ['/b', '/c', '/d']) {
        await pass(700)
        keeps(await client.ask(get(path)), 'timeout=1')
      }
    },
  },
  {
    id: 'keep-alive/slow-answer-costs-no-promise',
    slow: true,
    rules: ['R111', 'R007'],
    title: 'the time that an answer takes does not count as idle time',
    regression: true,
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.idleClient()
      void client.send(get('/held'))
      const { res } = await host.request('/held')
      await pass(2_500)
      res.end('late')
      equal((await client.next()).text, 'late')
      await pass(700)
      keeps(await client.ask(get('/next')), 'timeout=1')
    },
  },
  {
    id: 'keep-alive/max-counts-down',
    rules: ['R028', 'R188', 'R005', 'R117', 'R121'],
    title: 'max counts the requests left, the last response says close, then the connection ends',
    options: { keepAlive: { maxRequests: 3 } },
    run: async (host) => {
      const client = await host.connect()
      keeps(await client.ask(get('/1')), 'timeout=5, max=2')
      keeps(await client.ask(get('/2')), 'timeout=5, max=1')
      await closesWith(client, await client.ask(get('/3')))
    },
  },
  {
    id: 'keep-alive/max-of-one',
    rules: ['R028', 'R117'],
    title: 'with one request per connection the first response says close',
    options: { keepAlive: { maxRequests: 1 } },
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get('/1')))
    },
  },
  {
    id: 'keep-alive/max-http10',
    rules: ['R024', 'R028'],
    title: 'HTTP/1.0 requests count too',
    options: { keepAlive: { maxRequests: 2 } },
    run: async (host) => {
      const client = await host.connect()
      const length = async (path: string) => client.ask(get10(path, 'Connection: keep-alive'))
      keeps(await length('/sized/1'), 'timeout=5, max=1')
      await closesWith(client, await length('/sized/2'))
    },
    routes: Object.fromEntries(
      ['/sized/1', '/sized/2'].map((path) => [path, (_req, res) => res.setHeader('Content-Length', 2).end('ok')]),
    ),
  },
  {
    id: 'keep-alive/max-age',
    rules: ['R007', 'R011'],
    title: 'a connection past maxAge ends with its next response, which says close, and never between two',
    options: { keepAlive: { maxAge: 1_000 } },
    run: async (host) => {
      const client = await host.connect()
      keeps(await client.ask(get('/young')), 'timeout=5')
      await pass(1_500)
      equal(client.ending, undefined, 'ended by age alone')
      await closesWith(client, await client.ask(get('/old')))
    },
  },
  {
    id: 'keep-alive/parameters',
    rules: ['R029', 'R185'],
    title: 'Keep-Alive carries free parameters',
    options: { keepAlive: { parameters: { pod: 'a1' } } },
    run: async (host) => keeps(await (await host.connect()).ask(get('/a')), 'timeout=5, pod=a1'),
  },
  {
    id: 'keep-alive/off',
    rules: ['R025', 'R102', 'R117'],
    title: 'keepAlive: false closes after every response, and says so',
    options: { keepAlive: false },
    run: async (host) => {
      const client = await host.connect()
      await closesWith(client, await client.ask(get('/a')))
    },
  },
  {
    id: 'keep-alive/idle-end-is-a-fin',
    rules: ['R055', 'R112', 'R096'],
    title: 'after its hold an idle connection ends with a FIN and no byte, not before the promise is over',
    regression: true,
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.idleClient()
      const idleSince = Date.now()
      equal(await client.closed(4_500), 'fin')
      ok(client.endedAt - idleSince >= 1_500, `closed after ${client.endedAt - idleSince} ms`)
      equal(client.parser.garbage, '')
    },
  },
  {
    id: 'keep-alive/native-answers',
    rules: ['R020', 'R028'],
    title: "the framework's own answers (JSON, thrown errors, 404) count and promise like any other",
    hosts: frameworks,
    options: { keepAlive: { maxRequests: 4 } },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/native/json'), get('/native/throw'), get('/native/nothing-here'), get('/a')))
      const answers = await client.take(4)
      deepEqual(
        answers.map(({ status }) => status),
        [200, 500, 404, 200],
      )
      deepEqual(
        answers.slice(0, 3).map((answer) => answer.header('keep-alive')),
        ['timeout=5, max=3', 'timeout=5, max=2', 'timeout=5, max=1'],
      )
      closes(client.last)
    },
  },
]
