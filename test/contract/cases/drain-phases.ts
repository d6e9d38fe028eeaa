import { deepEqual, equal, ok } from 'node:assert/strict'
import { type Case, plain } from '../../support/contract.js'
import { closes, keeps } from '../../support/expect.js'
import { get } from '../../support/requests.js'
import { pass, until, within } from '../../support/wait.js'

/** `Keep-Alive: timeout=` in milliseconds, 0 where nothing is promised. */
const promised = (field: string | undefined): number => Number(/timeout=(\d+)/.exec(field ?? '')?.[1] ?? 0) * 1_000

/** What a drain is as a whole: its phases, its end, its report. */
export const drainPhases: Case[] = [
  {
    id: 'drain/states',
    rules: ['R202'],
    title: 'leaving, draining, drained: each once, in that order, with the signal aborted on draining',
    options: { drain: { delay: 500 }, keepAlive: { timeout: 1_000 } },
    run: async (host) => {
      const { connections } = host
      const states: string[] = [connections.state]
      connections.on('state', ({ state, previous }) => {
        equal(previous, states.at(-1))
        equal(connections.state, state)
        equal(connections.ready, false)
        equal(connections.signal.aborted, state !== 'leaving')
        states.push(state)
      })
      equal(connections.ready, true)
      equal(connections.remaining(), Number.POSITIVE_INFINITY)
      void host.stop()
      await until('leaving', () => connections.state === 'leaving')
      ok(connections.remaining() <= 20_000)
      const { phases, ms } = await host.report()
      deepEqual(states, ['serving', 'leaving', 'draining', 'drained'])
      ok(phases.leaving >= 400 && ms >= phases.leaving + phases.draining - 50)
    },
  },
  {
    id: 'drain/delay',
    rules: ['R196', 'R203'],
    title: 'while leaving, new connections and requests are still served',
    options: { drain: { delay: 1_500 } },
    run: async (host) => {
      const old = await host.idleClient()
      void host.stop()
      await until('leaving', () => host.connections.state === 'leaving')
      equal((await old.ask(get('/old'))).text, '/old')
      const fresh = await host.connect()
      equal((await fresh.ask(get('/new'))).text, '/new')
      equal(host.connections.state, 'leaving')
      await until('draining', () => host.connections.state === 'draining')
    },
  },
  {
    id: 'drain/promises-shrink',
    rules: ['R027', 'R187'],
    title: 'while leaving, no response promises more than what is left until the deadline',
    options: { keepAlive: { timeout: 30_000 }, drain: { delay: 2_000, deadline: 4_000 } },
    run: async (host) => {
      const client = await host.connect()
      keeps(await client.ask(get('/serving')), 'timeout=30')
      void host.stop()
      await until('leaving', () => host.connections.state === 'leaving')
      while (host.connections.state === 'leaving' && client.ending === undefined) {
        const answer = await client.ask(get('/leaving'))
        if (answer.closes) break
        const left = host.connections.remaining()
        ok(promised(answer.header('keep-alive')) <= left + 200, `${answer} with ${left} ms left`)
        await pass(100)
      }
    },
  },
  {
    id: 'drain/idempotent',
    rules: ['R202'],
    title: 'later callers get the first promise, and a drain after the end gets the same report',
    run: async (host) => {
      const client = await host.idleClient()
      const first = host.connections.drain({ reason: 'the first' })
      equal(host.connections.drain({ reason: 'the second' }), first)
      closes(await client.ask(get('/late')))
      const report = await within(first, () => 'the drain')
      equal(report.reason, 'the first')
      equal(await host.connections.drain(), report)
      equal(host.connections.state, 'drained')
    },
  },
  {
    id: 'drain/report',
    slow: true,
    rules: ['R202'],
    title: 'the report counts what was finished, rescued and cut, and closes by reason',
    // Held longer than promised, so that it is the drain that ends it.
    options: { keepAlive: { timeout: 1_500, hold: 30_000 }, drain: { deadline: 5_000 } },
    run: async (host) => {
      const [busy, saved, quiet, doomed] = [
        await host.connect(),
        await host.idleClient(),
        await host.idleClient(),
        await host.connect(),
      ]
      await busy.send(get('/held/finishes'))
      await doomed.send(get('/held/for-ever'))
      const { res } = await host.request('/held/finishes')
      await host.request('/held/for-ever')
      await host.stopping()
      closes(await saved.ask(get('/rescued')))
      res.end()
      closes(await busy.next())
      equal(await quiet.closed(), 'fin')
      const { clean, requests, connections, promisesBroken, heldBy, ms } = await host.report()
      deepEqual(
        { clean, requests, promisesBroken },
        { clean: false, requests: { finished: 1, rescued: 1, cut: 1 }, promisesBroken: {} },
      )
      deepEqual(connections, { closed: 4, byReason: { draining: 3, deadline: 1 } })
      deepEqual(
        heldBy.map(({ path }) => path),
        ['/held/for-ever'],
      )
      ok(ms >= 3_000)
    },
  },
  {
    id: 'drain/fast',
    rules: ['R202'],
    title: "drain: 'fast' closes idle and silent connections at once and gives the rest two seconds",
    options: { drain: 'fast' },
    run: async (host) => {
      const [idle, silent, busy] = [await host.idleClient(), await host.connect(), await host.connect()]
      await busy.send(get('/held'))
      await host.request('/held')
      await until('the server to see them', async () => (await host.openConnections()) === 3)
      const began = Date.now()
      void host.stop()
      equal(await idle.closed(1_500), 'fin')
      equal(await silent.closed(1_500), 'fin')
      ok(busy.ending === undefined)
      equal((await host.report()).requests.cut, 1)
      ok(Date.now() - began >= 1_800)
    },
  },
  {
    id: 'drain/server-close',
    rules: ['R202', 'R204'],
    title: 'server.close(callback) drains, and calls back when drained',
    hosts: [...plain, 'express4', 'express5'],
    options: { keepAlive: { timeout: 2_000 } },
    server: { keepAliveTimeout: 2_000 },
    run: async (host) => {
      const client = await host.idleClient()
      const closed = new Promise<Error | undefined>((resolve) => host.server.close(resolve))
      await until('the server to stop listening', () => !host.server.listening)
      await pass(1_000)
      closes(await client.ask(get('/late')))
      equal(await within(closed, () => 'the callback'), undefined)
      equal(await host.openConnections(), 0)
      if (!host.bare) equal(host.connections.state, 'drained')
    },
  },
  {
    id: 'drain/async-dispose',
    rules: ['R202'],
    title: 'server[Symbol.asyncDispose]() resolves, and so it does after a drain',
    hosts: plain,
    run: async (host) => {
      await host.connections.drain()
      await within(host.server[Symbol.asyncDispose](), () => 'asyncDispose')
    },
  },
  {
    id: 'drain/close-idle-connections',
    rules: ['R054', 'R065'],
    title: 'closeIdleConnections() closes what is idle, output first, and counts the broken promise',
    run: async (host) => {
      const [idle, busy] = [await host.idleClient(), await host.connect()]
      await busy.send(get('/held'))
      const { res } = await host.request('/held')
      host.server.closeIdleConnections()
      equal(await idle.closed(3_000), 'fin')
      res.end('still here')
      equal((await busy.next()).text, 'still here')
      deepEqual(host.connections.stats().promisesBroken, { 'close-idle': 1 })
    },
  },
  {
    id: 'drain/close-all-connections',
    rules: ['R202', 'R201'],
    title: 'closeAllConnections() ends everything at once, and counts it',
    run: async (host) => {
      const [idle, busy] = [await host.idleClient(), await host.connect()]
      await busy.send(get('/held'))
      const { res } = await host.request('/held')
      host.server.closeAllConnections()
      await idle.over()
      await busy.over()
      await until("res 'close'", () => res.closed)
      const { requests, promisesBroken, open } = host.connections.stats()
      equal(requests.cut, 1)
      equal(promisesBroken['close-all'], 1)
      deepEqual([open.idle, open.busy], [0, 0])
    },
  },
  {
    id: 'drain/before-any-connection',
    rules: ['R202'],
    title: 'a drain with nothing open ends at once, clean',
    run: async (host) => {
      const { clean, connections } = await within(host.report(), () => 'the drain', 3_000)
      deepEqual([clean, connections.closed], [true, 0])
    },
  },
]
