import { equal, ok } from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { clientGone } from '@halfclose/core'
import type { Case } from '../../support/contract.js'
import { keeps } from '../../support/expect.js'
import type { Host, Route } from '../../support/host.js'
import { get, pipeline, post, postHead } from '../../support/requests.js'
import { pass, until, within } from '../../support/wait.js'

const later: Route = (req, res) => void setTimeout(() => res.end(`${req.url} at last`), 300)
const routes: Record<string, Route> = {
  '/later/1': later,
  '/later/2': later,
  '/later/3': later,
  '/streamed': (_req, res) => {
    let chunks = 0
    const timer = setInterval(() => {
      res.write('x'.repeat(1_000))
      if (++chunks < 5) return
      clearInterval(timer)
      res.end()
    }, 120)
    res.on('close', () => clearInterval(timer))
  },
  '/upload-then-think': (req, res) => {
    req.resume().on('end', () => setTimeout(() => res.end('thought'), 300))
  },
  '/events': (_req, res) => void res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: hello\n\n'),
}

const closeOf = (host: Host, path: string): Promise<number> =>
  host.request(path).then(({ res }) => new Promise((resolve) => res.on('close', () => resolve(Date.now()))))

const cases: Case[] = [
  {
    id: 'half-closed/asynchronous',
    rules: ['R125', 'R189', 'R198'],
    title: 'a client that sends its request and then FIN gets the answer of an asynchronous handler',
    run: async (host) => {
      const client = await host.connect()
      void client.send(get('/later/1'))
      client.fin()
      equal((await client.next()).text, '/later/1 at last')
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'half-closed/pipelined',
    rules: ['R125', 'R108'],
    title: 'several pipelined requests before the FIN are all answered',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/later/1'), get('/later/2'), get('/later/3')))
      client.fin()
      for (const answer of await client.take(3)) equal(answer.status, 200)
      equal(client.last.text, '/later/3 at last')
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'half-closed/streamed',
    rules: ['R125', 'R089'],
    title: 'a streamed answer goes on after the FIN, to its end',
    run: async (host) => {
      const client = await host.connect()
      void client.send(get('/streamed'))
      await client.head(0)
      client.fin()
      equal((await client.next()).length, 5_000)
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'half-closed/upload',
    rules: ['R125'],
    title: 'a client that uploads, sends FIN and waits gets its answer',
    run: async (host) => {
      const client = await host.connect()
      void client.send(post('/upload-then-think', 'x'.repeat(200_000)))
      client.fin()
      equal((await client.next()).text, 'thought')
    },
  },
  {
    id: 'half-closed/told',
    rules: ['R125', 'R113'],
    title:
      'clientGone(req) is aborted as soon as the FIN has come, not before, and the client gets its answer all the same; so does a pipelined request behind',
    run: async (host) => {
      const client = await host.idleClient()
      await client.send(pipeline(get('/held/1'), get('/held/2')))
      const first = await host.request('/held/1')
      const gone = clientGone(first.req)
      equal(clientGone(first.req), gone)
      await pass(100)
      equal(gone.aborted, false)
      client.fin()
      await until('the signal is aborted', () => gone.aborted)
      first.res.end('all the same')
      equal((await client.next()).text, 'all the same')
      const second = await host.request('/held/2')
      equal(clientGone(second.req).aborted, true)
      second.res.end('the same')
      equal((await client.next()).text, 'the same')
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'half-closed/told-anew',
    rules: ['R125'],
    title:
      'a client that stays is never called gone: fifty requests on one connection, then one with a FIN behind it, of which alone it is said',
    run: async (host) => {
      const client = await host.connect()
      const signals: AbortSignal[] = []
      for (let n = 0; n < 50; n++) {
        void client.send(get(`/held/${n}`))
        const { req, res } = await host.request(`/held/${n}`)
        signals.push(clientGone(req))
        if (n === 49) client.fin()
        if (n === 49) await until('the last one is aborted', () => signals[49]?.aborted === true)
        res.end('x')
        await client.next()
      }
      equal(signals.filter(({ aborted }) => aborted).length, 1)
    },
  },
  {
    id: 'half-closed/bound',
    rules: ['R113', 'R021'],
    title: "a half-closed client waits for halfClosed, not longer: then res 'close' fires and the connection ends",
    options: { halfClosed: 900 },
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/held'))
      const closed = closeOf(host, '/held')
      await host.request('/held')
      const began = Date.now()
      client.fin()
      const ms = (await within(closed, () => "res 'close'")) - began
      ok(ms >= 700, `closed after ${ms} ms`)
      await client.over()
    },
  },
  {
    id: 'half-closed/off',
    rules: ['R113'],
    title: "halfClosed: 0 is Node's own behaviour: the FIN ends the exchange",
    regression: true,
    options: { halfClosed: 0 },
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/held'))
      const closed = closeOf(host, '/held')
      await host.request('/held')
      client.fin()
      await within(closed, () => "res 'close'", 3_000)
      await client.over()
    },
  },
  {
    id: 'half-closed/idle',
    rules: ['R113', 'R179'],
    title: 'the FIN of an idle client is answered with ours at once',
    regression: true,
    options: { halfClosed: 20_000 },
    run: async (host) => {
      const client = await host.idleClient()
      client.fin()
      equal(await client.closed(3_000), 'fin')
      await until('the connection gone', async () => (await host.openConnections()) === 0)
    },
  },
  {
    id: 'half-closed/silent',
    rules: ['R113'],
    title: 'a FIN without any request ends the connection at once',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      client.fin()
      equal(await client.closed(3_000), 'fin')
    },
  },
  {
    id: 'half-closed/unfinished-body',
    rules: ['R083'],
    title: 'a body that ends too early is not taken for a whole one',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      await client.send(`${postHead('/upload', 100)}only this`)
      const { req } = await host.request('/upload')
      client.fin()
      await client.closed()
      await until('the request to break off', () => req.destroyed)
      ok(!req.complete)
      ok(!client.statuses.includes('200'), `${client}`)
    },
  },
  {
    id: 'half-closed/aborted-client',
    rules: ['R113', 'R189'],
    title: "a client of node:http that aborts ends in res 'close' within halfClosed",
    regression: true,
    options: { halfClosed: 900 },
    run: async (host) => {
      const request = host.tls ? httpsRequest : httpRequest
      const aborted = request({ port: host.port, host: '127.0.0.1', path: '/held', rejectUnauthorized: false, agent: false })
      aborted.on('error', () => {})
      aborted.end()
      const closed = closeOf(host, '/held')
      await host.request('/held')
      aborted.destroy()
      await within(closed, () => "res 'close'")
    },
  },
  {
    id: 'half-closed/aborted-fetch',
    rules: ['R113', 'R189'],
    title: "an aborted fetch ends in res 'close' within halfClosed",
    regression: true,
    hosts: ['http', 'express4', 'express5', 'fastify4', 'fastify5', 'fastify6'],
    options: { halfClosed: 900 },
    run: async (host) => {
      const controller = new AbortController()
      const fetched = fetch(`http://127.0.0.1:${host.port}/held`, { signal: controller.signal }).catch(() => undefined)
      const closed = closeOf(host, '/held')
      await host.request('/held')
      controller.abort()
      await within(closed, () => "res 'close'")
      await fetched
    },
  },
  {
    id: 'half-closed/event-stream',
    rules: ['R113', 'R189'],
    title: "a silent event stream whose client left ends in res 'close' within halfClosed",
    regression: true,
    options: { halfClosed: 900 },
    run: async (host) => {
      const client = await host.connect()
      void client.send(get('/events'))
      const closed = closeOf(host, '/events')
      await client.head(0)
      client.destroy()
      await within(closed, () => "res 'close'")
    },
  },
  {
    id: 'half-closed/reset',
    rules: ['R192', 'R113'],
    title: "a client that resets ends in res 'close' at once, and the server lives on",
    regression: true,
    options: { halfClosed: 20_000 },
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/held'))
      const closed = closeOf(host, '/held')
      await host.request('/held')
      client.reset()
      await within(closed, () => "res 'close'", 3_000)
      await pass(50)
      keeps(await (await host.connect()).ask(get('/alive')))
    },
  },
]

/** A client that has closed its output may still be waiting (RFC 9112 section 9.6); one that left looks just the same. */
export const halfClosed: Case[] = cases.map((one) => ({ routes, ...one }))
