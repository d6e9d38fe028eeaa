import { deepEqual, equal } from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import type { Case } from '../../support/contract.js'
import { keeps } from '../../support/expect.js'
import type { Route } from '../../support/host.js'
import { get, pipeline } from '../../support/requests.js'

/** As an application in JavaScript calls it. */
const call = (res: ServerResponse, name: 'writeHead' | 'write' | 'end', ...args: unknown[]): unknown =>
  Reflect.apply(res[name], res, args)

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
