import { deepEqual, equal, ok } from 'node:assert/strict'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { closesWith } from '../../support/expect.js'
import type { Host } from '../../support/host.js'
import { get } from '../../support/requests.js'
import { pass } from '../../support/wait.js'

/** Connections that were used once, whose promise is over while they are held on. */
async function heldOn(host: Host, promise: number, n: number): Promise<Client[]> {
  const clients: Client[] = []
  for (let i = 0; i < n; i++) clients.push(await host.idleClient())
  await pass(promise + 1_300)
  return clients
}

/** A proxy keeps its connections for as long as it was told to, and reads no promise: a drain gives it the chance to use them. */
export const drainHeld: Case[] = [
  {
    id: 'drain/held-used',
    rules: ['R056', 'R204', 'R205'],
    title:
      'a connection held past its promise may still send a request half a second after the signal: answered with close, then FIN',
    options: { keepAlive: { timeout: 1_000, hold: 30_000 } },
    server: { keepAliveTimeout: 30_000 },
    run: async (host) => {
      const [client] = await heldOn(host, 1_000, 1)
      ok(client)
      await host.stopping()
      await pass(500)
      const answer = await client.ask(get('/late'))
      equal(answer.text, '/late')
      await closesWith(client, answer)
      const { clean, requests } = await host.report()
      deepEqual({ clean, requests }, { clean: true, requests: { finished: 0, rescued: 1, cut: 0 } })
    },
  },
  {
    id: 'drain/held-in-use',
    slow: true,
    rules: ['R056', 'R204', 'R205'],
    title:
      'and as long as requests come on others like it, for as long as a promise holds: who closes them one by one uses the next one',
    options: { keepAlive: { timeout: 5_000, hold: 30_000 } },
    server: { keepAliveTimeout: 30_000 },
    run: async (host) => {
      const clients = await heldOn(host, 5_000, 5)
      await host.stopping()
      for (const client of clients) {
        await pass(300)
        await closesWith(client, await client.ask(get('/late')))
      }
      const { clean, requests } = await host.report()
      deepEqual({ clean, requests }, { clean: true, requests: { finished: 0, rescued: 5, cut: 0 } })
    },
  },
  {
    id: 'drain/held-quiet',
    slow: true,
    rules: ['R112', 'R202', 'R127'],
    title: 'one that nobody uses gets a FIN a second after the signal, not before and not when its hold is over',
    options: { keepAlive: { timeout: 3_000, hold: 30_000 } },
    server: { keepAliveTimeout: 30_000 },
    run: async (host) => {
      const [client] = await heldOn(host, 3_000, 1)
      ok(client)
      const stopped = Date.now()
      await host.stopping()
      equal(await client.closed(), 'fin')
      ok(client.endedAt - stopped >= 900, `closed after ${client.endedAt - stopped} ms`)
      const { clean, connections, promisesBroken } = await host.report()
      // Not `deadline`, which is sooner than the hold.
      deepEqual([clean, { ...connections.byReason }, { ...promisesBroken }], [true, { draining: 1 }, {}])
    },
  },
  {
    id: 'drain/held-stray-line',
    rules: ['R067', 'R112', 'R202'],
    title: 'nor does it get one later for an empty line that old clients send behind a request: no request has begun',
    options: { keepAlive: { timeout: 1_000, hold: 30_000 } },
    server: { keepAliveTimeout: 30_000 },
    run: async (host) => {
      const client = await host.idleClient()
      await client.send('\r\n')
      await host.stopping()
      equal(await client.closed(), 'fin')
      const { clean, connections } = await host.report()
      deepEqual([clean, { ...connections.byReason }], [true, { draining: 1 }])
    },
  },
]
