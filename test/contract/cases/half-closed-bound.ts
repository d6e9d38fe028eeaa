import { equal, ok } from 'node:assert/strict'
import type { Case } from '../../support/contract.js'
import { filled } from '../../support/filler.js'
import type { Route } from '../../support/host.js'
import { get, pipeline, postHead } from '../../support/requests.js'
import { pass, until, within } from '../../support/wait.js'

const page = filled(8_000_000)
const large = 32 * 1024 * 1024
const routes: Record<string, Route> = {
  '/large': (_req, res) => void res.end(filled(large)),
  '/later': (_req, res) => void setTimeout(() => res.end('later'), 400),
  '/page': (_req, res) => void res.writeHead(413, { Connection: 'close', 'Content-Length': page.length }).end(page),
}

/** The bound of `halfClosed`, where there is more than one thing to wait for. */
const cases: Case[] = [
  {
    id: 'half-closed/bound-of-the-second',
    rules: ['R113', 'R021'],
    title:
      "after the first of two answers a half-closed client waits halfClosed for the second, not longer: then res 'close' fires",
    options: { halfClosed: 700 },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/later'), get('/held')))
      client.fin()
      equal((await client.next()).text, 'later')
      const { res } = await host.request('/held')
      const began = Date.now()
      await within(new Promise((resolve) => res.on('close', resolve)), () => "res 'close'", 4_000)
      ok(Date.now() - began >= 500, `closed after ${Date.now() - began} ms`)
      await until('the connection gone', async () => (await host.openConnections()) === 0)
      equal(client.statuses, '200')
    },
  },
  {
    id: 'half-closed/anew-for-the-second',
    rules: ['R125', 'R113'],
    title: 'each of several answers has halfClosed to itself',
    options: { halfClosed: 700 },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/later'), get('/later'), get('/later'), get('/later')))
      client.fin()
      await client.take(4)
      equal(client.statuses, '200 200 200 200')
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'half-closed/slow-reader-one-large-write',
    slow: true,
    rules: ['R125', 'R113'],
    title: 'a half-closed client that takes one large write slowly, for longer than halfClosed, gets all of it',
    regression: true,
    options: { halfClosed: 1_500 },
    run: async (host) => {
      const client = await host.connect()
      client.stream.pause()
      void client.send(get('/large'))
      client.fin()
      await client.sip(4_000_000, 5_000)
      equal((await client.next(15_000)).length, large)
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'half-closed/upload-broken-off-behind-its-answer',
    rules: ['R001', 'R125', 'R116'],
    title: 'a client that gets an early answer and breaks its upload off with FIN gets the answer whole',
    run: async (host) => {
      const client = await host.connect()
      client.stream.pause()
      await client.send(`${postHead('/page', 1_000_000)}${'a'.repeat(1_000)}`)
      await host.request('/page')
      await pass(200)
      client.fin()
      await pass(300)
      client.stream.resume()
      const answer = await client.next()
      equal(answer.status, 413)
      equal(answer.length, page.length)
      equal(await client.closed(), 'fin')
    },
  },
]

export const halfClosedBound: Case[] = cases.map((one) => ({ routes, ...one }))
