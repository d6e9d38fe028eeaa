import { deepEqual, equal, ok } from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import type { Route } from '../../support/host.js'
import { ask, get, pipeline } from '../../support/requests.js'

/** As an application in JavaScript calls it. */
const call = (res: ServerResponse, name: 'writeHead' | 'write' | 'end', ...args: unknown[]): unknown =>
  Reflect.apply(res[name], res, args)

const chunked = (path: string) => `${ask('POST', path, 'Transfer-Encoding: chunked')}3\r\nabc\r\n`
const closing = '0\r\nX-Sum: 1\r\nConnection: close\r\n\r\n'

/** Either the answer says that it is the last one, or what follows is answered. */
const trailers = (id: string, what: string, path: string, apart: boolean): Case => ({
  id: `messages/trailers-${id}`,
  rules: ['R122', 'R098', 'R050'],
  title: `Connection: close among the trailers of a request swallows nothing behind a promise, ${what}`,
  // Bare Node answers 400 to what follows, unless that is in the same piece.
  ...(apart ? { regression: true } : {}),
  run: async (host) => {
    const client = await host.connect()
    await client.send(chunked(path))
    if (path === '/early') await client.head(0)
    if (apart) {
      await client.send(closing)
      const answer = await client.next()
      if (answer.closes) return closesWith(client, answer)
      await client.send(get('/next'))
    } else {
      await client.send(pipeline(closing, get('/next')))
      const answer = await client.next()
      equal(answer.status, 200)
      if (answer.closes) return closesWith(client, answer)
    }
    const next = await client.next()
    if (next.text === '/next') return
    equal(next.status, 400)
    // Fastify's own answer to what is malformed does not say close.
    equal(await client.closed(), 'fin')
    ok(!host.paths.includes('/next'))
  },
})

const refusedCoding = (id: string, coding: string, status: number): Case => ({
  id: `messages/coding-${id}`,
  rules: [status === 400 ? 'R081' : 'R074', 'R122'],
  title: `a request with Transfer-Encoding: ${coding || '(nothing)'} gets ${status} and close, and no handler`,
  ...(id === 'twice' ? { regression: true } : {}),
  run: async (host) => {
    const client = await host.connect()
    void client.send(`${ask('POST', '/never', `Transfer-Encoding: ${coding}`)}3\r\nabc\r\n0\r\n\r\n${get('/never-either')}`)
    const answer = await client.next()
    equal(answer.status, status)
    equal(await client.closed(), 'fin')
    equal(client.answers.list.length, 1)
    deepEqual(host.paths, [])
  },
})

/** `lossless` in lines, as encoders for mail write it. */
const BASE64 = 'bG9z\r\nc2xl\r\nc3M=\r\n'

const routes: Record<string, Route> = {
  '/null': (_req, res) => {
    call(res, 'writeHead', 204, null)
    res.end()
  },
  '/reason-and-null': (_req, res) => {
    res.setHeader('Transfer-Encoding', 'chunked')
    call(res, 'writeHead', 200, 'Fine', null)
    res.end('ok')
  },
  '/text-status': (_req, res) => {
    res.setHeader('Content-Length', 5)
    Reflect.set(res, 'statusCode', '304')
    res.end()
  },
  // As `on-headers` wraps it.
  '/hooked': (_req, res) => {
    const { writeHead } = res
    Object.assign(res, {
      writeHead: (...args: unknown[]) => {
        res.setHeader('Content-Length', 5)
        return Reflect.apply(writeHead, res, args)
      },
    })
    res.setHeader('Content-Length', 99)
    res.end('fives')
  },
  '/early': (req, res) => {
    res.flushHeaders()
    req.resume().on('end', () => res.end('early'))
  },
  '/earlier': (req, res) => {
    res.end('earlier')
    req.resume()
  },
  '/decoded': (_req, res) => void res.end(BASE64, 'base64'),
  '/decoded-in-pieces': (_req, res) => {
    res.write(BASE64, 'base64')
    res.end('7z', 'hex')
  },
  '/decoded-with-length': (_req, res) => {
    res.setHeader('Content-Length', 8)
    res.end(BASE64, 'base64')
  },
}

const cases: Case[] = [
  {
    id: 'messages/null-fields',
    rules: ['R097', 'R103'],
    title: 'null in place of a reason or of fields is none, as in Node: nothing is thrown into the application',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/null'), get('/reason-and-null'), get('/after')))
      for (const answer of await client.take(3)) keeps(answer)
      equal(client.statuses, '204 200 200')
      equal(client.parser.garbage, '')
    },
  },
  {
    id: 'messages/status-as-text',
    rules: ['R079', 'R097'],
    title: 'a 304 whose status is a string keeps its connection, also with the length of what it stands for',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/text-status'), get('/after')))
      for (const answer of await client.take(2)) keeps(answer)
      equal(client.statuses, '304 200')
    },
  },
  {
    id: 'messages/hooked-length',
    rules: ['R032', 'R103'],
    title: 'a Content-Length that a hook in writeHead() puts right is right: the connection stays',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/hooked'), get('/hooked'), get('/after')))
      const answers = await client.take(3)
      for (const answer of answers) keeps(answer)
      deepEqual(
        answers.map(({ text }) => text),
        ['fives', 'fives', '/after'],
      )
    },
  },
  trailers('together', 'sent with the next request', '/upload', false),
  trailers('apart', 'sent before it', '/upload', true),
  trailers('early', 'the head of the answer being out', '/early', false),
  trailers('early-apart', 'the head of the answer being out, sent before it', '/early', true),
  trailers('answered', 'the answer being out', '/earlier', true),
  refusedCoding('not-chunked', 'gzip', 400),
  refusedCoding('empty', '', 400),
  refusedCoding('identity', 'identity', 400),
  refusedCoding('twice', 'chunked, chunked', 400),
  refusedCoding('unknown', 'gzip, chunked', 501),
  {
    id: 'messages/decoded-length',
    rules: ['R057', 'R103', 'R032'],
    title: 'a body given as base64 in lines, or as hex, is as long as what it decodes to, and keeps its connection',
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/decoded'), get('/decoded-in-pieces'), get('/decoded-with-length'), get('/after')))
      const answers = await client.take(4)
      for (const answer of answers) keeps(answer)
      deepEqual(
        answers.map(({ text }) => text),
        ['lossless', 'lossless', 'lossless', '/after'],
      )
    },
  },
]

/** Heads and bodies, however the application writes them. */
export const messages: Case[] = cases.map((one) => ({ routes, ...one }))
