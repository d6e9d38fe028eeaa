import { deepEqual, equal, ok } from 'node:assert/strict'
import { adapters, type Case } from '../../support/h2/contract.js'
import { endsWith, keptItsWord } from '../../support/h2/expect.js'
import { blockLoop } from '../../support/remote.js'
import { pass, until } from '../../support/wait.js'

/** How long a session may live: each of its ends is a GOAWAY with NO_ERROR, never a reset. */
export const policy: Case[] = [
  {
    id: 'h2-policy/idle',
    rules: ['R021', 'R112', 'R178'],
    title: 'a session without a stream for keepAlive.hold gets a GOAWAY, then FIN; not earlier',
    options: { keepAlive: { timeout: 1_000, hold: 2_000 } },
    run: async (host) => {
      // From before the answer that the hold begins with: on a busy machine the client reads it late.
      const before = Date.now()
      const client = await host.idleClient()
      await endsWith(client, 1)
      const ended = Date.now() - before
      ok(ended >= 1_900, `after ${ended} ms`)
      await until('it is counted', () => host.connections.stats().closes.idle === 1)
    },
  },
  {
    id: 'h2-policy/idle-first',
    rules: ['R021', 'R178'],
    title: 'so does one that never opened a stream',
    options: { keepAlive: { timeout: 1_000, hold: 2_000 } },
    run: async (host) => {
      const client = await host.connect()
      await endsWith(client, 0)
    },
  },
  {
    id: 'h2-policy/idle-pings',
    rules: ['R021', 'R178'],
    title: 'PINGs do not keep an idle session: a session is used by its streams',
    options: { keepAlive: { timeout: 1_000, hold: 2_000 } },
    run: async (host) => {
      const client = await host.idleClient()
      const pinging = setInterval(() => client.ping(), 300)
      await endsWith(client, 1).finally(() => clearInterval(pinging))
    },
  },
  {
    id: 'h2-policy/busy-is-not-idle',
    rules: ['R178'],
    title: 'a session is not idle while a stream is open, however long nothing moves on it',
    regression: true,
    options: { keepAlive: { timeout: 1_000, hold: 2_000 } },
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      await pass(3_000)
      deepEqual(client.goaways, [])
      res.end('late')
      equal((await client.answer(stream)).text, 'late')
    },
  },
  {
    id: 'h2-policy/idle-blocked-loop',
    rules: ['R056', 'R177'],
    title: 'a stream that was opened in time is answered, though the event loop was blocked past the idle deadline',
    alone: true,
    regression: true,
    options: { keepAlive: { timeout: 1_000, hold: 2_000 } },
    run: async (host) => {
      const client = await host.idleClient()
      await pass(1_500)
      const stream = client.ask('/in-time')
      await blockLoop(1_500)
      equal((await client.answer(stream)).text, '/in-time')
    },
  },
  {
    id: 'h2-policy/max-requests',
    rules: ['R027', 'R168', 'R171', 'R177'],
    title: 'five streams at once over a limit of three: three answers, a GOAWAY that says so, and two that were never run',
    options: { keepAlive: { maxRequests: 3 } },
    run: async (host) => {
      const client = await host.connect()
      const requests = Array.from({ length: 5 }, (_, index) => client.request(`/s${2 * index + 1}`))
      void client.send(...requests.map(({ bytes }) => bytes))
      await endsWith(client, 5)
      keptItsWord(host, client, (stream) => `/s${stream}`)
      await until('it is counted', () => host.connections.stats().closes['max-requests'] === 1)
      equal(host.connections.stats().requests.received, 3)
    },
  },
  {
    id: 'h2-policy/max-requests-one-by-one',
    rules: ['R027', 'R168'],
    title: 'one after another, too: the GOAWAY comes with the last one allowed, not with the first one refused',
    options: { keepAlive: { maxRequests: 3 } },
    run: async (host) => {
      const client = await host.connect()
      for (const path of ['/a', '/b', '/c']) equal((await client.get(path)).text, path)
      await endsWith(client, 5)
    },
  },
  {
    id: 'h2-policy/max-age',
    rules: ['R007', 'R168', 'R171'],
    title: 'past maxAge the next stream of a session is its last, and those in flight are answered behind the GOAWAY',
    options: { keepAlive: { maxAge: 1_000 } },
    run: async (host) => {
      const client = await host.idleClient()
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      await pass(1_300)
      const last = client.ask('/last')
      equal((await client.frame('GOAWAY')).last, last)
      equal((await client.answer(last)).text, '/last')
      await pass(200)
      res.end('in peace')
      equal((await client.answer(stream)).text, 'in peace')
      await endsWith(client, last)
      await until('it is counted', () => host.connections.stats().closes['max-age'] === 1)
    },
  },
  {
    id: 'h2-policy/no-keep-alive',
    rules: ['R168', 'R171'],
    title: 'keepAlive: false: a session ends when nothing is left to answer',
    options: { keepAlive: false },
    run: async (host) => {
      const client = await host.connect()
      equal((await client.get('/only')).text, '/only')
      await endsWith(client, 1)
      await until('it is counted', () => host.connections.stats().closes['no-keep-alive'] === 1)
    },
  },
  {
    id: 'h2-policy/one-too-many',
    rules: ['R021', 'R177'],
    title: 'limits.connections: a session too many is refused so that its client can tell, no handler runs, the others go on',
    options: { limits: { connections: 1 } },
    run: async (host) => {
      const client = await host.idleClient()
      const other = await host.connect()
      const stream = other.ask('/too-many')
      const { status, reset } = await other.ended(stream)
      const told = status === 503 || reset === 7 || other.goaways[0]?.last === 0
      ok(told, `${other}`)
      await other.closed()
      equal((await client.get('/second')).text, '/second')
      deepEqual(host.paths, ['/first', '/second'])
      equal(host.connections.stats().connections.refused, 1)
    },
  },
  {
    id: 'h2-policy/lingering-leaves',
    rules: ['R021', 'R177'],
    title: 'limits.connections: a session that lingers counts no longer: the next one is served, and the one after it is refused',
    options: { limits: { connections: 1 }, keepAlive: false, linger: { quiet: 20_000 } },
    routes: { '/held': () => {} },
    run: async (host) => {
      const first = await host.connect({ obliging: false })
      equal((await first.get('/first')).text, '/first')
      equal(await first.closed(), 'fin')
      await until('that it lingers', () => host.connections.stats().open.lingering === 1)
      const second = await host.connect()
      second.ask('/held')
      await host.request('/held')
      const third = await host.connect()
      const { status, reset } = await third.ended(third.ask('/too-many'))
      ok(status === 503 || reset === 7 || third.goaways[0]?.last === 0, `${third}`)
      deepEqual(host.paths, ['/first', '/held'])
      equal(host.connections.stats().connections.refused, 1)
    },
  },
  {
    id: 'h2-policy/one-too-many-ready',
    rules: ['R021', 'R162'],
    title:
      'limits.connections: a readiness probe gets through on a session too many, a request beside it gets 503 and Retry-After',
    hosts: adapters,
    options: { limits: { connections: 1 }, readiness: '/ready', drain: { delay: 50 } },
    run: async (host) => {
      await host.idleClient()
      const probe = await (await host.connect()).get('/ready')
      deepEqual([probe.status, JSON.parse(probe.text)], [200, { ready: true, state: 'serving' }])
      const refused = await (await host.connect()).get('/too-many')
      deepEqual([refused.status, refused.header('retry-after')], [503, '1'])
      deepEqual(host.paths, ['/first'])
    },
  },
]
