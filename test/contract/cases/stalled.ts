import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { filled } from '../../support/filler.js'
import { get, postHead } from '../../support/requests.js'
import { pass, within } from '../../support/wait.js'

/** More than the kernels of both sides take of a client that does not read. */
const large = 24 * 1024 * 1024

/** Two bytes a second, until told to stop. */
export function drips(client: Client): () => void {
  const timer = setInterval(() => {
    if (client.ending === undefined) void client.send('x')
  }, 500)
  return () => clearInterval(timer)
}

/** A peer that holds a drain without taking its response or sending its body. */
export const stalled: Case[] = [
  {
    id: 'stalled/reader',
    slow: true,
    rules: ['R202', 'R207'],
    title: 'a client that does not take its response is cut below drain.minRate, long before the deadline, and counted',
    options: { drain: { deadline: 55_000 } },
    routes: { '/large': (_req, res) => res.end(filled(large)) },
    run: async (host) => {
      const client = await host.connect()
      client.stream.pause()
      await client.send(get('/large'))
      await host.request('/large')
      // The kernel may go on taking some of it for a moment, so that a second window begins.
      const { ms, clean, requests, connections } = await within(host.connections.drain(), () => 'the report', 50_000)
      ok(ms >= 5_000, `${ms} ms`)
      deepEqual([clean, requests.cut, { ...connections.byReason }], [false, 1, { stalled: 1 }])
    },
  },
  {
    id: 'stalled/sender',
    slow: true,
    rules: ['R202', 'R021'],
    title: 'a body that drips in below drain.minRate no longer holds the drain',
    options: { drain: { deadline: 25_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(`${postHead('/upload', 1_000)}x`)
      await host.request('/upload')
      const stop = drips(client)
      try {
        await within(host.stop(), () => 'the end of the drain', 20_000)
        const { ms, connections } = await host.report()
        ok(ms >= 5_000, `${ms} ms`)
        deepEqual({ ...connections.byReason }, { stalled: 1 })
      } finally {
        stop()
      }
    },
  },
  {
    id: 'stalled/slow-handler-is-not',
    slow: true,
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
    slow: true,
    rules: ['R202', 'R207'],
    title:
      'with limits.minRate a client that does not take its response is cut at any time; one between two requests is left alone',
    options: { limits: { minRate: 240 }, keepAlive: { timeout: 5_000, hold: 60_000 } },
    routes: { '/large': (_req, res) => res.end(filled(large)) },
    run: async (host) => {
      const idle = await host.connect()
      await idle.send(get('/'))
      await idle.next()
      const client = await host.connect()
      client.stream.pause()
      await client.send(get('/large'))
      const { req } = await host.request('/large')
      await within(once(req.socket, 'close'), () => "the connection's close", 50_000)
      deepEqual([host.connections.stats().requests.cut, { ...host.connections.stats().closes }], [1, { stalled: 1 }])
      equal(idle.ending, undefined)
    },
  },
  {
    id: 'stalled/no-rate',
    slow: true,
    rules: ['R202'],
    title: 'with drain.minRate: false a client that does not take its response holds the drain to the deadline',
    options: { drain: { deadline: 8_000, minRate: false } },
    routes: { '/large': (_req, res) => res.end(filled(large)) },
    run: async (host) => {
      const client = await host.connect()
      client.stream.pause()
      await client.send(get('/large'))
      await host.request('/large')
      await within(host.stop(), () => 'the end of the drain', 20_000)
      const { ms, requests, connections } = await host.report()
      ok(ms >= 7_900, `${ms} ms`)
      deepEqual([requests.cut, { ...connections.byReason }], [1, { deadline: 1 }])
    },
  },
  {
    id: 'stalled/what-the-client-sees',
    slow: true,
    rules: ['R202', 'R112'],
    title: 'a client that was cut finds its response truncated or none, never one that looks whole; the close event says stalled',
    options: { drain: { deadline: 55_000 } },
    routes: { '/large': (_req, res) => res.end(filled(large)) },
    run: async (host) => {
      const reader = await host.connect()
      reader.stream.pause()
      await reader.send(get('/large'))
      const sender = await host.connect()
      await sender.send(`${postHead('/upload', 1_000)}x`)
      await host.request('/large')
      await host.request('/upload')
      const reasons: string[] = []
      if (!host.bare) host.connections.on('close', ({ reason }) => reasons.push(reason))
      await within(host.stop(), () => 'the end of the drain', 50_000)
      reader.stream.resume()
      await reader.closed()
      await sender.closed()
      const head = await reader.head(0)
      deepEqual([head.status, head.complete, reader.answers.list.length], [200, false, 0])
      ok(head.length < large, `${head.length} B`)
      equal(sender.heads.list.length, 0)
      deepEqual(reasons, ['stalled', 'stalled'])
    },
  },
  {
    id: 'stalled/drip-outside-a-drain',
    slow: true,
    rules: ['R202', 'R021'],
    title: 'with limits.minRate a body that drips in more slowly is cut at any time',
    options: { limits: { minRate: 240 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(`${postHead('/upload', 1_000)}x`)
      const { req } = await host.request('/upload')
      const stop = drips(client)
      try {
        await within(once(req.socket, 'close'), () => "the connection's close", 15_000)
      } finally {
        stop()
      }
      deepEqual([host.connections.stats().requests.cut, { ...host.connections.stats().closes }], [1, { stalled: 1 }])
    },
  },
  {
    id: 'stalled/drip-is-left-alone',
    slow: true,
    rules: ['R202'],
    title: 'without limits.minRate, and outside a drain, a body may drip in',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      await client.send(`${postHead('/upload', 20)}x`)
      await host.request('/upload')
      for (let sent = 1; sent < 20; sent++) {
        await pass(400)
        await client.send('x')
      }
      equal((await client.next()).text, '/upload 20')
    },
  },
]
