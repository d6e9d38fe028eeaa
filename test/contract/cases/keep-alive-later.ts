import { deepEqual, equal, ok } from 'node:assert/strict'
import { type Case, plain } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import { get, pipeline } from '../../support/requests.js'
import { pass } from '../../support/wait.js'

/** `const server = app.listen(); server.keepAliveTimeout = 65_000`: what the server is told after it was attached counts. */
export const keepAliveLater: Case[] = [
  {
    id: 'keep-alive/max-set-later',
    rules: ['R028', 'R052', 'R117', 'R122'],
    title: 'server.maxRequestsPerSocket set after attach() is honoured: the last answer says close, and there is no 503',
    run: async (host) => {
      host.server.maxRequestsPerSocket = 2
      const client = await host.connect()
      void client.send(pipeline(get('/1'), get('/2'), get('/3'), get('/4')))
      await client.take(2)
      keeps(client.first, 'timeout=5, max=1')
      await closesWith(client, client.last)
      equal(client.statuses, '200 200')
      deepEqual(host.paths, ['/1', '/2'])
    },
  },
  {
    id: 'keep-alive/timeout-set-later',
    slow: true,
    rules: ['R027', 'R187'],
    title: 'server.keepAliveTimeout set after attach() is promised and kept',
    regression: true,
    run: async (host) => {
      host.server.keepAliveTimeout = 2_000
      const client = await host.idleClient()
      keeps(client.first, 'timeout=2')
      await pass(1_700)
      keeps(await client.ask(get('/late')), 'timeout=2')
      const since = Date.now()
      equal(await client.closed(), 'fin')
      ok(client.endedAt - since >= 1_900, `closed after ${client.endedAt - since} ms`)
    },
  },
  {
    id: 'keep-alive/long-timeout-set-later',
    slow: true,
    rules: ['R187', 'R111'],
    title:
      'server.keepAliveTimeout = 65_000 set after attach() is kept, as the load balancer in front needs it, though five seconds are promised',
    run: async (host) => {
      host.server.keepAliveTimeout = 65_000
      const client = await host.idleClient()
      keeps(client.first, 'timeout=5')
      equal(host.connections.policy.keepAlive !== false && host.connections.policy.keepAlive.hold, 66_000)
      await pass(6_600)
      equal(client.ending, undefined)
      keeps(await client.ask(get('/late')), 'timeout=5')
    },
  },
  {
    id: 'keep-alive/none-set-meanwhile',
    rules: ['R027', 'R030'],
    title: 'server.keepAliveTimeout = 0 amid a response: the connection goes on, and does not hold the drain',
    regression: true,
    options: { drain: { idle: 0, deadline: 5_000 } },
    routes: {
      '/zero': (_req, res, host) => {
        res.writeHead(200, { 'Content-Length': '2' })
        res.write('a')
        host.server.keepAliveTimeout = 0
        res.end('b')
      },
    },
    run: async (host) => {
      const client = await host.connect()
      equal((await client.ask(get('/zero'))).text, 'ab')
      equal((await client.ask(get('/zero'))).text, 'ab')
      equal((await client.ask(get('/1'))).text, '/1')
      equal((await client.ask(get('/zero'))).text, 'ab')
      if (host.bare) return
      const { requests, heldBy } = await host.report()
      deepEqual([requests.cut, heldBy], [0, []])
    },
  },
  {
    id: 'keep-alive/for-ever',
    rules: ['R027', 'R030'],
    title: 'keepAliveTimeout 0 means for ever, without a promise: the connection persists and no Keep-Alive field says otherwise',
    regression: true,
    hosts: [...plain, 'express4', 'express5'], // Fastify takes 0 for its default
    server: { keepAliveTimeout: 0 },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/1'), get('/2')))
      for (const answer of await client.take(2)) {
        keeps(answer)
        equal(answer.header('keep-alive'), undefined)
      }
      await pass(1_500)
      equal((await client.ask(get('/later'))).text, '/later')
      if (host.bare || host.connections.policy.keepAlive === false) return
      ok(host.connections.policy.keepAlive.hold >= 60_000)
    },
  },
]
