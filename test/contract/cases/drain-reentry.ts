import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Report } from '@halfclose/core'
import { type Case, plain } from '../../support/contract.js'
import { closes, closesWith } from '../../support/expect.js'
import { get } from '../../support/requests.js'
import { pass, until, within } from '../../support/wait.js'
import { echo, upgradeTo } from './gate-special.js'

/** A drain that is asked for from within itself, or of several servers, or that meets something unusual. */
export const drainReentry: Case[] = [
  {
    id: 'drain/from-its-own-listeners',
    rules: ['R202'],
    title:
      'drain(), remaining() and server.close(callback) in a state listener or on the signal join the drain that is under way',
    options: { drain: { deadline: 5_000 } },
    run: async (host) => {
      const { connections, server } = host
      const drains: Promise<Report>[] = []
      const left: number[] = []
      const called: string[] = []
      connections.on('state', ({ state }) => {
        drains.push(connections.drain({ reason: state }))
        left.push(connections.remaining())
        if (state === 'draining') server.close(() => called.push(`listener: ${connections.state}`))
      })
      connections.signal.addEventListener('abort', () => {
        drains.push(connections.drain())
        server.close(() => called.push(`signal: ${connections.state}`))
      })
      const client = await host.connect()
      await client.send(get('/held'))
      const { res } = await host.request('/held')
      const drained = connections.drain({ reason: 'the first' })
      await until('draining', () => connections.state === 'draining')
      await pass(200)
      deepEqual(called, [])
      res.end('held')
      await closesWith(client, await client.next())
      const report = await within(drained, () => 'the drain')
      await until('both callbacks', () => called.length === 2)
      deepEqual(called.sort(), ['listener: drained', 'signal: drained'])
      deepEqual([report.reason, report.requests], ['the first', { finished: 1, rescued: 0, cut: 0 }])
      equal(drains.length, 4)
      for (const other of drains) equal(other, drained)
      ok(
        left.every((ms) => ms >= 0 && ms <= 5_000),
        `remaining: ${left}`,
      )
    },
  },
  {
    id: 'drain/one-by-one',
    rules: ['R202'],
    title: 'drain() waits for servers that were closed one by one before, and reports what they did',
    hosts: plain,
    run: async (host) => {
      const other = await host.another({ port: 0, host: '127.0.0.1' })
      const client = await host.connect()
      await client.send(get('/held'))
      const { res } = await host.request('/held')
      host.server.close()
      other.close()
      let over = false
      const drained = host.connections.drain().finally(() => {
        over = true
      })
      await pass(400)
      ok(!over, 'resolved though a request is in flight')
      res.end('held')
      await closesWith(client, await client.next())
      const report = await within(drained, () => 'the drain')
      deepEqual(report.requests, { finished: 1, rescued: 0, cut: 0 })
      deepEqual(report.connections, { closed: 1, byReason: { draining: 1 } })
      deepEqual([report.clean, host.connections.state], [true, 'drained'])
    },
  },
  {
    id: 'drain/half-head-behind-a-request',
    rules: ['R202', 'R203', 'R204'],
    title: 'a head that was half received in the same segment as the request before it is a request under way, and is answered',
    options: { drain: { idle: 300 } },
    run: async (host) => {
      const client = await host.connect()
      const second = get('/half')
      await client.send(get('/whole') + second.slice(0, 24))
      equal((await client.next()).text, '/whole')
      await pass(100)
      await host.stopping()
      await pass(800)
      await client.send(second.slice(24))
      const answer = await client.next()
      equal(answer.text, '/half')
      await closesWith(client, answer)
      const { clean, promisesBroken } = await host.report()
      deepEqual({ clean, promisesBroken }, { clean: true, promisesBroken: {} })
    },
  },
  {
    id: 'drain/upgrade-refused',
    rules: ['R203', 'R162', 'R147'],
    title: 'an upgrade that arrives while draining gets 503 with close, and is no rescued request',
    run: async (host) => {
      const upgrades = echo(host, 'upgrade')
      const client = await host.idleClient()
      await host.stopping()
      const answer = await client.ask(upgradeTo('/chat'))
      equal(answer.status, 503)
      ok(answer.header('retry-after') !== undefined)
      await closesWith(client, answer)
      const { clean, requests, connections } = await host.report()
      deepEqual({ clean, requests }, { clean: true, requests: { finished: 0, rescued: 0, cut: 0 } })
      deepEqual(connections.byReason, { draining: 1 })
      deepEqual(upgrades.list, [])
      equal(host.connections.stats().requests.received, 1)
    },
  },
  {
    id: 'drain/upgraded-is-named',
    rules: ['R147', 'R202'],
    title: 'an upgraded connection that holds the drain to its deadline is named with what it had asked for, without the query',
    options: { drain: { deadline: 700 } },
    run: async (host) => {
      echo(host, 'upgrade')
      const client = await host.connect()
      equal((await client.ask(upgradeTo('/chat?token=secret'))).status, 101)
      const { heldBy, requests, clean } = await host.report()
      deepEqual(
        heldBy.map(({ state, method, path }) => [state, method, path]),
        [['upgraded', 'GET', '/chat']],
      )
      deepEqual({ clean, requests }, { clean: true, requests: { finished: 0, rescued: 0, cut: 0 } })
    },
  },
  {
    id: 'drain/aborted-is-not-cut',
    rules: ['R192', 'R202'],
    title: 'a request whose client resets during the drain was aborted, not cut: the report stays clean',
    run: async (host) => {
      const [leaves, stays] = [await host.connect(), await host.connect()]
      await leaves.send(get('/held/1'))
      await stays.send(get('/held/2'))
      await host.request('/held/1')
      const { res } = await host.request('/held/2')
      await host.stopping()
      leaves.reset()
      await until('the reset to be noticed', () => host.connections.stats().requests.aborted === 1)
      res.end()
      closes(await stays.next())
      const { clean, requests } = await host.report()
      deepEqual({ clean, requests }, { clean: true, requests: { finished: 1, rescued: 0, cut: 0 } })
      equal(host.connections.stats().requests.cut, 0)
    },
  },
  {
    id: 'drain/close-all-upgraded',
    rules: ['R202', 'R147'],
    title: 'closeAllConnections() ends upgraded connections as well, which Node has lost sight of',
    run: async (host) => {
      echo(host, 'upgrade')
      const client = await host.connect()
      equal((await client.ask(upgradeTo('/chat'))).status, 101)
      host.server.closeAllConnections()
      await client.over()
      await until('the connection gone', async () => (await host.openConnections()) === 0)
      deepEqual(host.connections.stats().closes, { handler: 1 })
    },
  },
  {
    id: 'drain/closed-by-hand-is-counted',
    rules: ['R054', 'R192', 'R202'],
    title: 'what closeIdleConnections() and closeAllConnections() close during a drain is in its report, broken promises and all',
    options: { keepAlive: { timeout: 4_000 } },
    run: async (host) => {
      const [first, second, busy] = [await host.idleClient(), await host.idleClient(), await host.connect()]
      await busy.send(get('/held'))
      await host.request('/held')
      await host.stopping()
      first.fin()
      await first.closed()
      host.server.closeIdleConnections()
      equal(await second.closed(), 'fin')
      const third = host.connections.stats()
      deepEqual(third.promisesBroken, { 'close-idle': 1 })
      host.server.closeAllConnections()
      await busy.over()
      const { clean, requests, promisesBroken, connections } = await host.report()
      deepEqual([clean, requests.cut], [false, 1])
      deepEqual(promisesBroken, { 'close-idle': 1 })
      deepEqual(connections, { closed: 3, byReason: { 'client-close': 1, handler: 2 } })
    },
  },
]
