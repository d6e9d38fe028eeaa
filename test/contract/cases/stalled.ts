import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import type { Case } from '../../support/contract.js'
import { get, postHead } from '../../support/requests.js'
import { pass, within } from '../../support/wait.js'

const MiB = 1024 * 1024

/** A peer that holds a drain without taking its response or sending its body. */
export const stalled: Case[] = [
  {
    id: 'stalled/reader',
    rules: ['R202', 'R207'],
    title: 'a client that does not take its response is cut below drain.minRate, long before the deadline, and counted',
    options: { drain: { deadline: 25_000 } },
    routes: { '/large': (_req, res) => res.end(Buffer.alloc(64 * MiB, 'x')) },
    run: async (host) => {
      const client = await host.connect()
      client.stream.pause()
      await client.send(get('/large'))
      await host.request('/large')
      const { ms, clean, requests, connections } = await within(host.report(), () => 'the report', 20_000)
      ok(ms >= 5_000 && ms < 20_000, `${ms} ms`)
      deepEqual([clean, requests.cut, { ...connections.byReason }], [false, 1, { stalled: 1 }])
    },
  },
  {
    id: 'stalled/sender',
    rules: ['R202', 'R021'],
    title: 'a body that drips in below drain.minRate no longer holds the drain',
    options: { drain: { deadline: 25_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(`${postHead('/upload', 1_000)}x`)
      await host.request('/upload')
      const drip = setInterval(() => {
        if (client.ending === undefined) void client.send('x').catch(() => {})
      }, 500)
      try {
        const { ms, connections } = await within(host.report(), () => 'the report', 20_000)
        ok(ms >= 5_000 && ms < 20_000, `${ms} ms`)
        deepEqual({ ...connections.byReason }, { stalled: 1 })
      } finally {
        clearInterval(drip)
      }
    },
  },
  {
    id: 'stalled/slow-handler-is-not',
    rules: ['R205'],
    title: 'a handler that takes its time is waited for',
    options: { drain: { deadline: 25_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/held'))
      const { res } = await host.request('/held')
      void host.stop()
      await pass(7_000)
      res.end('late')
      equal((await client.next()).text, 'late')
      equal((await host.report()).clean, true)
    },
  },
  {
    id: 'stalled/outside-a-drain',
    rules: ['R202', 'R207'],
    title:
      'with limits.minRate a client that does not take its response is cut at any time; one between two requests is left alone',
    options: { limits: { minRate: 240 }, keepAlive: { timeout: 5_000, hold: 60_000 } },
    routes: { '/large': (_req, res) => res.end(Buffer.alloc(64 * MiB, 'x')) },
    run: async (host) => {
      const idle = await host.connect()
      await idle.send(get('/'))
      await idle.next()
      const client = await host.connect()
      client.stream.pause()
      await client.send(get('/large'))
      const { req } = await host.request('/large')
      await within(once(req.socket, 'close'), () => "the connection's close", 15_000)
      deepEqual([host.connections.stats().requests.cut, { ...host.connections.stats().closes }], [1, { stalled: 1 }])
      equal(idle.ending, undefined)
    },
  },
]
