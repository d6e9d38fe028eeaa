import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import type { Case } from '../../support/contract.js'
import { filled } from '../../support/filler.js'
import { ask, get } from '../../support/requests.js'
import { pass, within } from '../../support/wait.js'
import { drips } from './stalled.js'

const large = 32 * 1024 * 1024
const expecting = (length: number) => ask('POST', '/upload', 'Expect: 100-continue', `Content-Length: ${length}`)

/** A peer that looks as if it had stalled, and has not. */
export const stalledProgress: Case[] = [
  {
    id: 'stalled/one-large-write',
    slow: true,
    rules: ['R202', 'R205'],
    title: 'a slow reader of one large write, above drain.minRate, is waited for and gets all of it',
    options: { drain: { deadline: 25_000 } },
    routes: { '/large': (_req, res) => res.end(filled(large)) },
    run: async (host) => {
      const client = await host.connect()
      client.stream.pause()
      await client.send(get('/large', 'Connection: close'))
      await host.request('/large')
      void host.stop()
      await client.sip(2_000_000, 7_000)
      equal((await client.next(15_000)).length, large)
      equal(await client.closed(), 'fin')
      equal((await host.report()).clean, true)
    },
  },
  {
    id: 'stalled/expect-continue',
    slow: true,
    rules: ['R202', 'R205'],
    title: 'a client that waits for its 100 is waited for while the checkContinue listener takes its time',
    options: { drain: { deadline: 25_000 } },
    run: async (host) => {
      host.server.on('checkContinue', async (req, res) => {
        await pass(7_500)
        res.writeContinue()
        host.handle(req, res)
      })
      const client = await host.connect()
      await client.send(expecting(4))
      await pass(100)
      void host.stop()
      await within(Promise.race([client.interim.at(0), client.closed(15_000)]), () => `100 Continue\n${client}`, 15_000)
      deepEqual([client.interim.list.length, client.ending], [1, undefined])
      void client.send('body')
      equal((await client.next()).text, '/upload 4')
      equal((await host.report()).clean, true)
    },
  },
  {
    id: 'stalled/drip-after-continue',
    slow: true,
    rules: ['R202', 'R021'],
    title: 'a client that got its 100 and then drips no longer holds the drain',
    options: { drain: { deadline: 25_000 } },
    run: async (host) => {
      host.server.on('checkContinue', (req, res) => {
        res.writeContinue()
        host.handle(req, res)
      })
      const client = await host.connect()
      await client.send(expecting(1_000))
      await within(client.interim.at(0), () => `100 Continue\n${client}`)
      const stop = drips(client)
      try {
        await within(host.stop(), () => 'the end of the drain', 20_000)
      } finally {
        stop()
      }
      const { ms, connections } = await host.report()
      ok(ms >= 5_000, `${ms} ms`)
      deepEqual({ ...connections.byReason }, { stalled: 1 })
    },
  },
  {
    id: 'stalled/slow-readers',
    slow: true,
    rules: ['R202', 'R205'],
    title:
      'readers of 4, 20 and 100 kB/s hold a drain: what is above drain.minRate is not stalled, though our kernel takes nothing for long',
    options: { drain: { deadline: 60_000 } },
    routes: { '/large': (_req, res) => res.end(filled(large)) },
    run: async (host) => {
      const rates = [4_000, 20_000, 100_000]
      const clients = await Promise.all(
        rates.map(async (rate) => {
          const client = await host.connect()
          client.stream.pause()
          await client.send(get('/large'))
          return { rate, client }
        }),
      )
      await host.request('/large', 3)
      void host.stop()
      await Promise.all(clients.map(({ rate, client }) => client.sip(rate, 21_000)))
      for (const { rate, client } of clients) deepEqual([rate, client.ending, client.gone], [rate, undefined, false])
      for (const { client } of clients) client.vanish()
      equal((await host.report()).requests.cut, 0)
    },
  },
  {
    id: 'stalled/limits-stalled',
    slow: true,
    rules: ['R202', 'R207'],
    title:
      'limits.stalled: a client that takes nothing of its response for so long is cut at any time; a slow reader and a slow handler are not',
    options: { limits: { stalled: 2_000 } },
    routes: { '/large': (_req, res) => res.end(filled(large)) },
    run: async (host) => {
      const [slow, waiting, client] = [await host.connect(), await host.connect(), await host.connect()]
      slow.stream.pause()
      await slow.send(get('/large?slow'))
      await waiting.send(get('/held'))
      const { res } = await host.request('/held')
      client.stream.pause()
      await client.send(get('/large'))
      const { req } = await host.request('/large')
      await Promise.all([slow.sip(200_000, 6_000), within(once(req.socket, 'close'), () => "the connection's close", 50_000)])
      deepEqual([host.connections.stats().requests.cut, { ...host.connections.stats().closes }], [1, { stalled: 1 }])
      equal(slow.gone, false)
      res.end('late')
      equal((await waiting.next()).text, 'late')
    },
  },
]
