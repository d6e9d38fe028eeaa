import { deepEqual, equal, ok } from 'node:assert/strict'
import { type Case, frameworks } from '../../support/contract.js'
import { closes, closesWith, keeps } from '../../support/expect.js'
import type { Route } from '../../support/host.js'
import { ask, get, pipeline, post } from '../../support/requests.js'

const routes: Record<string, Route> = {
  '/second-thought': (_req, res) => {
    try {
      Reflect.apply(res.end, res, [{ not: 'a body' }])
    } catch {
      res.writeHead(500, { 'Content-Length': 10 })
      res.end('abc')
    }
  },
  '/written': (_req, res) => {
    res.setHeader('Content-Length', 3)
    res.write('abc')
    res.end()
  },
  '/in-pieces': (_req, res) => {
    res.setHeader('Content-Length', 6)
    res.write('abc')
    res.write('')
    setImmediate(() => {
      res.write('def', () => res.end())
    })
  },
  // Node's own alias, until 25.
  '/writeHeader': (_req, res) => {
    const writeHeader: unknown = Reflect.get(res, 'writeHeader') ?? res.writeHead
    if (typeof writeHeader === 'function') writeHeader.call(res, 200, { 'Content-Length': 2 })
    res.end('ok')
  },
}

/** A 413 in place of the 100 Continue that the client waits for. */
const refusedUpload = (id: string, what: string, fields: Record<string, string>): Case => ({
  id: `persist/refused-upload-${id}`,
  rules: ['R155', 'R153', 'R120'],
  title: `an upload that was refused without 100 Continue ends the connection, ${what}`,
  run: async (host) => {
    host.server.on('checkContinue', (_req, res) => void res.writeHead(413, fields).end('no'))
    const client = await host.connect()
    void client.send(pipeline(ask('POST', '/upload', 'Expect: 100-continue', 'Content-Length: 30'), get('/never')))
    const answer = await client.next()
    equal(answer.status, 413)
    await closesWith(client, answer)
    deepEqual(host.paths, [])
  },
})

const cases: Case[] = [
  {
    id: 'persist/no-length',
    rules: ['R103', 'R099'],
    title: 'a response whose Content-Length is no length (-1, two numbers) is the last of its connection',
    routes: { '/negative': (_req, res) => void res.writeHead(200, { 'Content-Length': '-1' }).end('abc') },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/negative'), get('/never')))
      closes(await client.head(0))
      equal(await client.closed(), 'fin')
      deepEqual(host.paths, ['/negative'])
    },
  },
  {
    id: 'persist/interim-only',
    rules: ['R095'],
    title:
      'behind a request to which the handler gave no final response, only a 103, no other is answered: its client would take that response for its own',
    routes: { '/interim': (_req, res) => void res.writeHead(103).end() },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/interim'), get('/never')))
      equal(await client.closed(), 'fin')
      equal(client.statuses, '')
      deepEqual(host.paths, ['/interim'])
    },
  },
  {
    id: 'persist/length-after-a-refused-body',
    rules: ['R103', 'R099'],
    title: 'after an end() that Node has refused, a body shorter than its Content-Length is still the last of its connection',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/second-thought'), get('/never')))
      const head = await client.head(0)
      await client.closed()
      deepEqual([head.status, head.complete, head.text], [500, false, 'abc'])
      deepEqual(host.paths, ['/second-thought'])
    },
  },
  {
    id: 'persist/length-then-write',
    rules: ['R031', 'R099', 'R103'],
    title: 'a body of the declared Content-Length keeps the connection, also where it is written before end()',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      for (const path of ['/written', '/in-pieces', '/written']) keeps(await client.ask(get(path)), 'timeout=5')
      void client.send(pipeline(get('/in-pieces'), get('/written')))
      for (const answer of await client.take(2)) keeps(answer)
      equal(client.statuses, '200 200 200 200 200')
      equal(client.last.text, 'abc')
    },
  },
  {
    id: 'persist/static-file',
    rules: ['R031', 'R099', 'R103'],
    title: 'a file from express.static, or streamed by Fastify with its Content-Length, keeps the connection',
    regression: true,
    hosts: frameworks,
    run: async (host) => {
      const client = await host.connect()
      const whole = await client.ask(get('/native/static/cert.pem'))
      equal(whole.status, 200)
      ok(whole.length > 0 && whole.length === Number(whole.header('content-length')), `${whole}`)
      keeps(whole)
      const head = await client.ask(ask('HEAD', '/native/static/cert.pem'))
      equal(head.status, 200)
      keeps(head)
      keeps(await client.ask(get('/native/static/cert.pem')))
    },
  },
  {
    id: 'persist/write-header',
    rules: ['R117', 'R028'],
    title: 'a head that was written by the alias res.writeHeader() is decided like any other',
    options: { keepAlive: { maxRequests: 2 } },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/writeHeader'), get('/writeHeader'), get('/never')))
      const [first, last] = await client.take(2)
      ok(first !== undefined && last !== undefined)
      keeps(first, 'timeout=5, max=1')
      await closesWith(client, last)
      deepEqual(host.paths, ['/writeHeader', '/writeHeader'])
    },
  },
  {
    ...refusedUpload('beside-parameters', 'also where Keep-Alive carries parameters', {}),
    options: { keepAlive: { parameters: { pod: 'a1' } } },
    regression: true,
  },
  refusedUpload('by-a-handler-that-keeps', 'also where the handler says Connection: keep-alive', { Connection: 'keep-alive' }),
  {
    id: 'persist/http10-transfer-encoding',
    rules: ['R077', 'R181'],
    title: 'HTTP/1.0 with a Transfer-Encoding is never granted keep-alive: its framing is faulty',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(
        'POST /upload HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n',
      )
      const answer = await client.next()
      equal(answer.text, '/upload 3')
      await closesWith(client, answer)
    },
  },
  {
    id: 'persist/http2-in-the-request-line',
    rules: ['R068', 'R120', 'R122'],
    title: 'HTTP/2.0 in a request line gets 505 with close, and nothing behind it runs',
    run: async (host) => {
      const client = await host.connect()
      const two = 'POST /two HTTP/2.0\r\nHost: a\r\nContent-Length: 0\r\n\r\n'
      void client.send(pipeline(get('/one'), two, post('/never', 'x'), two))
      equal((await client.next()).text, '/one')
      const refused = await client.next()
      equal(refused.status, 505)
      await closesWith(client, refused)
      deepEqual(host.paths, ['/one'])
      equal(client.statuses, '200 505')
    },
  },
]

/** Whether the connection persists, where its framing or its version decide. */
export const persistLength: Case[] = cases.map((one) => ({ routes, ...one }))
