import { deepEqual, equal, match } from 'node:assert/strict'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import { ask, get } from '../../support/requests.js'
import { until, within } from '../../support/wait.js'

/** Its output is shut, and it says nothing more: `linger` bounds it, and it holds no place. */
const lingering = (limit: 'connections' | 'perClient'): Case => ({
  id: `limits/lingering-${limit}`,
  rules: ['R011', 'R019', 'R123'],
  title: `limits.${limit}: a connection that lingers counts no longer: the next one is served, and the one after it is refused`,
  options: { limits: { [limit]: 1 }, linger: { quiet: 20_000 } },
  run: async (host) => {
    const first = await host.connect({ obliging: false })
    const answer = await first.ask(get('/a', 'Connection: close'))
    equal(answer.status, 200)
    equal(await first.closed(), 'fin')
    equal(host.connections.stats().open.lingering, 1)
    const second = await host.connect()
    keeps(await second.ask(get('/b')))
    const third = await host.connect()
    const refused = await third.ask(get('/c'))
    equal(refused.status, 503)
    await closesWith(third, refused)
    equal(host.connections.stats().connections.refused, 1)
    // It leaves once: its end makes no second place.
    first.fin()
    await until('the first is gone', () => host.connections.stats().open.lingering === 0)
    const fourth = await host.connect()
    equal((await fourth.ask(get('/d'))).status, 503)
    deepEqual(host.paths, ['/a', '/b'])
  },
})

/** How many connections there may be, and what the one too many is told. */
export const limits: Case[] = [
  lingering('connections'),
  lingering('perClient'),
  {
    id: 'limits/one-too-many',
    rules: ['R011', 'R019', 'R110', 'R158', 'R162'],
    title: 'the one too many gets 503, Retry-After and close, output first, and costs no handler; the others go on',
    options: { limits: { connections: 2 } },
    run: async (host) => {
      const kept = [await host.idleClient(), await host.idleClient()]
      const excess = await host.connect()
      await excess.send(`${ask('POST', '/excess', 'Content-Length: 4')}body`)
      const answer = await excess.next()
      equal(answer.status, 503)
      match(answer.header('retry-after') ?? '', /^[1-9]\d*$/)
      await closesWith(excess, answer)
      equal(host.paths.includes('/excess'), false)
      for (const client of kept) keeps(await client.ask(get('/kept')))
      equal(host.connections.stats().connections.refused, 1)
    },
  },
  {
    id: 'limits/room-again',
    rules: ['R011', 'R019'],
    title: 'a connection that ends makes room for the next',
    options: { limits: { connections: 1 } },
    run: async (host) => {
      const first = await host.connect()
      await closesWith(first, await first.ask(get('/a', 'Connection: close')))
      first.fin()
      await until('the first is gone', () => host.connections.stats().connections.closed === 1)
      const second = await host.connect()
      equal((await second.ask(get('/b'))).status, 200)
      equal(host.connections.stats().connections.refused, 0)
    },
  },
  {
    id: 'limits/per-client',
    rules: ['R049', 'R110', 'R002'],
    title: 'a client over its own limit is refused, and may come back',
    options: { limits: { perClient: 1 } },
    run: async (host) => {
      const first = await host.idleClient()
      const second = await host.connect()
      await closesWith(second, await second.ask(get('/b')))
      equal(second.last.status, 503)
      first.fin()
      await first.closed()
      await until('both are gone', () => host.connections.stats().connections.closed === 2)
      const third = await host.connect()
      equal((await third.ask(get('/c'))).status, 200)
    },
  },
  {
    id: 'limits/drop',
    rules: ['R019'],
    title: "refuse: 'drop' closes the one too many at once, without an answer",
    hosts: ['http', 'express4', 'express5', 'fastify4', 'fastify5', 'fastify6'],
    options: { limits: { connections: 1, refuse: 'drop' } },
    run: async (host) => {
      await host.idleClient()
      const excess = await host.connect()
      await excess.closed()
      equal(excess.statuses, '')
      equal(host.connections.stats().connections.refused, 1)
    },
  },
  {
    id: 'limits/silent-excess',
    rules: ['R021', 'R096'],
    title: 'one too many that sends nothing is told nothing, and ends within linger.quiet',
    options: { limits: { connections: 1 }, linger: { quiet: 300 } },
    run: async (host) => {
      await host.idleClient()
      const excess = await host.connect()
      equal(await excess.closed(), 'fin')
      equal(excess.statuses, '')
    },
  },
  {
    id: 'limits/drain-is-not-locked-out',
    rules: ['R202', 'R019'],
    title: 'a drain ends though more connections than allowed are open',
    options: { limits: { connections: 1 }, drain: { idle: 0, silent: 100 } },
    run: async (host) => {
      await host.idleClient()
      for (let i = 0; i < 5; i++) await host.connect()
      await within(host.stop(), () => 'stop() to end')
      equal(host.connections.state, 'drained')
    },
  },
  {
    id: 'limits/drain-rescues-none',
    rules: ['R202', 'R019'],
    title: 'a request that is refused over a limit during a drain was not rescued: the report counts what stats() counts',
    options: { limits: { connections: 1 } },
    run: async (host) => {
      await host.idleClient()
      const excess = await host.connect()
      await host.stopping()
      equal((await excess.ask(get('/a'))).status, 503)
      const { clean, requests } = await host.report()
      deepEqual({ clean, requests }, { clean: true, requests: { finished: 0, rescued: 0, cut: 0 } })
      equal(host.connections.stats().requests.finished, 1)
    },
  },
  {
    id: 'limits/idle',
    rules: ['R011', 'R021', 'R111'],
    title: 'over limits.idle the longest idle goes; where its promise is not over, that is counted',
    options: { limits: { idle: 2 } },
    server: { keepAliveTimeout: 20_000 }, // so that it is not what ends them
    run: async (host) => {
      const first = await host.idleClient()
      const second = await host.idleClient()
      const third = await host.idleClient()
      equal(await first.closed(), 'fin')
      for (const client of [second, third]) equal((await client.ask(get('/still'))).status, 200)
      deepEqual({ ...host.connections.stats().promisesBroken }, { limit: 1 })
      deepEqual({ ...host.connections.stats().closes }, { limit: 1 })
    },
  },
  {
    id: 'limits/idle-past-its-promise',
    rules: ['R011', 'R187'],
    title: 'over limits.idle one that is past its promise goes without a promise being broken',
    options: { keepAlive: { timeout: 500, hold: 20_000 }, limits: { idle: 1 } },
    server: { keepAliveTimeout: 20_000 },
    run: async (host) => {
      const first = await host.idleClient()
      await host.idleClient()
      equal(await first.closed(), 'fin')
      deepEqual({ ...host.connections.stats().promisesBroken }, {})
    },
  },
]
