import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { closesWith, keeps } from '../../support/expect.js'
import { both, type Case, secure } from '../../support/h2/contract.js'
import { announced, drained, endsWith, keptItsWord } from '../../support/h2/expect.js'
import { remoteSessions } from '../../support/h2/remote.js'
import { blockLoop } from '../../support/remote.js'
import { get } from '../../support/requests.js'
import { deferred, pass, until, within } from '../../support/wait.js'

/** What becomes of the sessions of a server that is told to stop: those there are, and those that are just coming. */
export const drainSessions: Case[] = [
  {
    id: 'h2-drain/report',
    rules: ['R202'],
    title: 'the report counts streams as requests, and sessions as connections',
    // Beyond what a machine may stand still between the requests and their answers.
    options: { drain: { deadline: 4_000 } },
    run: async (host) => {
      const [busy, idle, fresh, doomed] = [
        await host.connect(),
        await host.idleClient(),
        await host.connect(),
        await host.connect(),
      ]
      const [first, second, hangs] = [busy.ask('/held/first'), busy.ask('/held/second'), doomed.ask('/held/for-ever?secret=1')]
      const answers = [await host.request('/held/first'), await host.request('/held/second')]
      await host.request('/held/for-ever?secret=1')
      await fresh.frame('SETTINGS', ({ ack }) => ack)
      await host.stopping()
      for (const { res } of answers) res.end('done')
      for (const stream of [first, second]) equal((await busy.answer(stream)).text, 'done')
      for (const client of [busy, idle, fresh]) equal(await client.closed(), 'fin', `${client}`)
      const { clean, requests, connections, heldBy, heldByMore } = await host.report()
      equal((await doomed.ended(hangs)).whole, false)
      deepEqual({ clean, requests }, { clean: false, requests: { finished: 2, rescued: 0, cut: 1 } })
      deepEqual([connections.closed, { ...connections.byReason }], [4, { draining: 3, deadline: 1 }])
      const [held] = heldBy
      deepEqual([heldBy.length, heldByMore, held?.method, held?.path, held?.state], [1, 0, 'GET', '/held/for-ever', 'closing'])
    },
  },
  {
    id: 'h2-drain/stats',
    rules: ['R202'],
    title: 'stats() counts a session once, busy while a stream is open, else idle, and closing behind its GOAWAY',
    run: async (host) => {
      const open = () => {
        const { silent, busy, idle, closing, lingering } = host.connections.stats().open
        return { silent, busy, idle, closing, lingering }
      }
      const none = { silent: 0, busy: 0, idle: 0, closing: 0, lingering: 0 }
      const becomes = async (what: keyof typeof none) => {
        const wanted = JSON.stringify({ ...none, [what]: 1 })
        await until(`one ${what}`, () => JSON.stringify(open()) === wanted).catch(() => equal(JSON.stringify(open()), wanted))
      }
      const client = await host.idleClient()
      await becomes('idle')
      const stream = client.ask('/held')
      const { res } = await host.request('/held')
      await becomes('busy')
      void host.stop()
      await announced(client)
      const { busy, closing } = open()
      deepEqual([busy + closing, host.connections.stats().connections.opened], [1, 1])
      res.end('done')
      await client.answer(stream)
      await endsWith(client, stream)
      await until('no connection left', async () => (await host.openConnections()) === 0)
      deepEqual(open(), none)
      const { connections, requests, closes, closedFirst, reuse } = host.connections.stats()
      deepEqual({ ...connections }, { opened: 1, closed: 1, refused: 0 })
      deepEqual([requests.received, requests.finished, requests.cut, reuse], [2, 2, 0, 2])
      deepEqual([{ ...closes }, closedFirst.server], [{ draining: 1 }, 1])
    },
  },
  {
    id: 'h2-drain/deadline',
    rules: ['R130', 'R173', 'R202'],
    title: 'at the deadline what still runs is cut visibly: a reset of the stream or of the connection, never a clean end',
    options: { drain: { deadline: 1_000 } },
    run: async (host) => {
      const client = await host.connect()
      const [silent, half] = [client.ask('/held/silent'), client.ask('/held/half')]
      const [one, other] = [await host.request('/held/silent'), await host.request('/held/half')]
      other.res.write('half of it')
      await client.head(half)
      const began = Date.now()
      await within(host.stop(), () => 'stop() to end')
      ok(Date.now() - began >= 900)
      for (const stream of [silent, half]) {
        const { whole, reset } = await client.ended(stream)
        equal(whole, false)
        ok(reset !== undefined ? reset > 0 : client.connection.ending === 'reset', `not visible\n${client}`)
      }
      await client.closed()
      const lasts = client.goaways.map(({ last }) => last)
      deepEqual(
        lasts,
        [...lasts].sort((a, b) => b - a),
      )
      await until("res 'close'", () => one.res.stream.closed && other.res.stream.closed)
      const { clean, requests, connections } = await host.report()
      deepEqual([clean, requests.cut, { ...connections.byReason }], [false, 2, { deadline: 1 }])
    },
  },
  {
    id: 'h2-drain/stalled-reader',
    rules: ['R202', 'R207'],
    title: 'a client that opens no window for its answer does not hold the drain past the deadline',
    options: { drain: { deadline: 1_200 } },
    routes: { '/large': (_req, res) => void res.end(Buffer.alloc(1024 * 1024, 'x')) },
    run: async (host) => {
      const client = await host.connect({ polite: false })
      const stream = client.ask('/large')
      await client.head(stream)
      await within(host.stop(), () => 'stop() to end', 5_000)
      equal((await client.ended(stream)).whole, false)
      const { clean, requests, heldBy } = await host.report()
      deepEqual([clean, requests.cut, heldBy[0]?.path], [false, 1, '/large'])
    },
  },
  {
    id: 'h2-drain/accept-queue',
    rules: ['R196', 'R204'],
    title: 'sessions that waited to be accepted at the stop signal are served, or told that nothing was run; none is reset',
    alone: true,
    run: async (host) => {
      const remote = await remoteSessions(host, 30, 100)
      await blockLoop(500)
      const stopped = host.stop()
      const results = await remote.results
      const wrong = results.filter(({ path, text, last }) => {
        const runs = host.paths.filter((each) => each === path).length
        return text === path ? runs !== 1 : runs !== 0 || last !== 0
      })
      equal(wrong.length, 0, `${wrong.length} of 30: ${JSON.stringify(wrong[0])}`)
      await within(stopped, () => 'stop() to end')
    },
  },
  {
    id: 'h2-drain/late-handshake',
    rules: ['R168', 'R177', 'R201'],
    title: 'a session whose handshake ends after the drain began gets its GOAWAY too, and can tell what was run',
    hosts: secure,
    options: { drain: { silent: 3_000 } },
    run: async (host) => {
      const begun = deferred<void>()
      const connecting = host.connect({ handshake: begun.promise })
      await until('the server to see it', async () => (await host.openConnections()) === 1)
      void host.stop()
      await until('the server to stop listening', () => !host.server.listening)
      begun.resolve()
      const client = await connecting
      client.ask('/late')
      await announced(client)
      equal(await client.closed(), 'fin', `${client}`)
      keptItsWord(host, client, () => '/late')
      await drained(host)
    },
  },
  {
    id: 'h2-drain/unfinished-handshake',
    rules: ['R201', 'R202'],
    title: 'a handshake that never begins does not hold the drain',
    hosts: secure,
    options: { drain: { silent: 500 } },
    run: async (host) => {
      const never = deferred<void>()
      const connecting = host.connect({ handshake: never.promise }).catch(() => {})
      await until('the server to see it', async () => (await host.openConnections()) === 1)
      await within(host.stop(), () => 'stop() to end').finally(() => never.resolve())
      await connecting
    },
  },
  {
    id: 'h2-drain/beside-http1',
    rules: ['R027', 'R168', 'R204'],
    title: 'HTTP/1.1 on the same port keeps its own promises: a kept-alive request behind the signal is answered with close',
    hosts: both,
    options: { keepAlive: { timeout: 2_000 } },
    run: async (host) => {
      const [old, session] = [await host.connectHttp1(), await host.idleClient()]
      keeps(await old.ask(get('/http1')), 'timeout=2')
      await host.stopping()
      await endsWith(session, 1)
      await pass(1_000)
      const answer = await old.ask(get('/late'))
      equal(answer.text, '/late')
      await closesWith(old, answer)
      const { clean, requests, connections } = await host.report()
      deepEqual({ clean, requests }, { clean: true, requests: { finished: 0, rescued: 1, cut: 0 } })
      deepEqual([connections.closed, { ...connections.byReason }], [2, { draining: 2 }])
    },
  },
  {
    id: 'h2-drain/alpn',
    rules: ['R175'],
    title: 'both protocols are spoken on the port as ever: ALPN decides, and counts one connection each',
    hosts: both,
    run: async (host) => {
      const [old, session] = [await host.connectHttp1(), await host.connect()]
      match((await old.ask(get('/http1'))).text, /http1/)
      equal((await session.get('/http2')).text, '/http2')
      deepEqual(
        host.seen.list.map(({ req }) => req.httpVersion),
        ['1.1', '2.0'],
      )
      equal(host.connections.stats().connections.opened, 2)
    },
  },
]
