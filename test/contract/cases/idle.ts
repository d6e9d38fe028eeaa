import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Case } from '../../support/contract.js'
import { blockLoop, remoteClients } from '../../support/remote.js'
import { get, postHead } from '../../support/requests.js'
import { pass, until } from '../../support/wait.js'

/** An idle connection ends only after one more look at its input. */
export const idle: Case[] = [
  {
    id: 'idle/blocked-loop',
    rules: ['R056', 'R204'],
    title: 'a request that was in the kernel before the idle deadline is answered, though the event loop was blocked past it',
    alone: true,
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const remote = await remoteClients(host, { count: 5, warm: true, delay: 700 })
      await pass(100)
      await blockLoop(2_500)
      for (const { text, ending } of await remote.results)
        ok(text.endsWith('\r\n\r\n/late'), `${ending} after ${JSON.stringify(text)}`)
    },
  },
  {
    id: 'idle/renewed-after-blocked-loop',
    rules: ['R056', 'R187', 'R204'],
    title: 'what such a request is promised counts: the idle deadline that it has escaped does not strike after its answer',
    alone: true,
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const remote = await remoteClients(host, { count: 5, warm: true, delay: 700, again: 300 })
      await pass(100)
      await blockLoop(2_500)
      for (const { text, ending } of await remote.results)
        ok(text.endsWith('\r\n\r\n/again'), `${ending} after ${JSON.stringify(text)}`)
    },
  },
  {
    id: 'idle/half-head-is-not-idle',
    rules: ['R056'],
    title: 'a request that has begun to arrive is not cut by the idle deadline',
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.idleClient()
      const request = get('/slow-head')
      await client.send(request.slice(0, 10))
      await pass(3_000)
      client.parser.methods.push('GET')
      await client.send(request.slice(10))
      equal((await client.next()).text, '/slow-head')
    },
  },
  {
    id: 'idle/half-head-behind',
    rules: ['R056'],
    title: 'nor is one whose beginning came in one piece with the request before it, though nothing has arrived since its answer',
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.connect()
      const request = get('/slow-head')
      await client.send(get('/first') + request.slice(0, 10))
      equal((await client.next()).text, '/first')
      await pass(3_000)
      client.parser.methods.push('GET')
      await client.send(request.slice(10))
      equal((await client.next()).text, '/slow-head')
    },
  },
  {
    id: 'idle/slow-body-is-not-idle',
    rules: ['R056', 'R007'],
    title: 'an upload that pauses is not cut by the idle deadline',
    regression: true,
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.idleClient()
      await client.send(`${postHead('/upload', 4)}ab`)
      await pass(3_000)
      await client.send('cd')
      equal((await client.next()).text, '/upload 4')
    },
  },
  {
    id: 'idle/crossing-request',
    rules: ['R056', 'R122', 'R124'],
    title: 'a request that crosses the FIN of an idle connection is not run, and not answered by a reset',
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.idleClient({ obliging: false })
      equal(await client.closed(), 'fin')
      for (let time = 1; time <= 2; time++) {
        await client.send(get('/too-late'))
        await pass(100) // a reset shows in the second write
      }
      ok(!client.gone, `${client}`)
      deepEqual(host.paths, ['/first'])
    },
  },
  {
    id: 'idle/client-that-stays',
    rules: ['R021', 'R066'],
    title: 'a client that ignores the FIN of its idle connection costs the server nothing for long',
    regression: true,
    options: { keepAlive: { timeout: 1_000 }, linger: { quiet: 500 } },
    server: { keepAliveTimeout: 1_000 },
    run: async (host) => {
      const client = await host.idleClient({ obliging: false })
      equal(await client.closed(), 'fin')
      await until('the server to let go', async () => (await host.openConnections()) === 0)
    },
  },
]
