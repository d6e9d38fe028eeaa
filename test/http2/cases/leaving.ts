import { deepEqual, equal, match, ok } from 'node:assert/strict'
import { adapters, type Case } from '../../support/h2/contract.js'
import { announced, endsWith } from '../../support/h2/expect.js'
import { until } from '../../support/wait.js'

/** Between the signal and the listener's close. */
export const leaving: Case[] = [
  {
    id: 'h2-leaving/told-gradually',
    rules: ['R005', 'R052', 'R168'],
    title:
      'sessions get their GOAWAYs one after another over the end of the delay: not before proxies have seen it, nor all at once, to come back at once',
    alone: true, // a flood beside it blocks the loop, and those whose turn it was are then told together
    options: { drain: { delay: 3_000 } },
    run: async (host) => {
      const clients = await Promise.all(Array.from({ length: 20 }, () => host.idleClient()))
      void host.stop()
      await until('leaving', () => host.connections.state === 'leaving')
      const began = Date.now()
      let closing = Number.POSITIVE_INFINITY
      host.connections.once('state', () => {
        closing = Date.now() - began
      })
      const told = await Promise.all(clients.map(async (client) => (await announced(client)).at - began))
      for (const client of clients) await endsWith(client, 1)
      const [first = 0, last = 0] = [Math.min(...told), Math.max(...told)]
      ok(first >= 1_500 && last - first > 500, `all told between ${first} and ${last} ms`)
      const early = told.filter((ms) => ms < closing).length
      ok(early > 10, `${early} of 20 were told before the listener closed`)
    },
  },
  {
    id: 'h2-leaving/served',
    rules: ['R203'],
    title: 'while leaving, new sessions and streams are served',
    options: { drain: { delay: 1_500 } },
    run: async (host) => {
      void host.stop()
      await until('leaving', () => host.connections.state === 'leaving')
      const client = await host.connect()
      equal((await client.get('/new')).text, '/new')
      equal(host.connections.state, 'leaving')
    },
  },
  {
    id: 'h2-leaving/readiness',
    rules: ['R175'],
    title:
      'the readiness route answers over HTTP/2: 200, then 503 with Retry-After, before the application and without fields of HTTP/1.1',
    hosts: adapters,
    options: { readiness: '/ready', drain: { delay: 1_500 } },
    run: async (host) => {
      const client = await host.connect()
      const before = await client.get('/ready')
      equal(before.status, 200)
      deepEqual(JSON.parse(before.text), { ready: true, state: 'serving' })
      void host.stop()
      await until('leaving', () => host.connections.state === 'leaving')
      const probe = await host.connect()
      const after = await probe.get('/ready')
      equal(after.status, 503)
      match(after.header('retry-after') ?? '', /^\d+$/)
      equal(after.header('connection'), undefined)
      deepEqual(host.paths, [])
    },
  },
]
