import { deepEqual, equal } from 'node:assert/strict'
import { IncomingMessage, ServerResponse } from 'node:http'
import type { Case } from '../../support/contract.js'
import { keeps } from '../../support/expect.js'
import { ask, get, pipeline } from '../../support/requests.js'
import { echo, tunnelSays } from './gate-special.js'

/** Requests that the application hands on within, and listeners that it takes away: what it does with its own server is its own affair. */
export const handedOn: Case[] = [
  {
    id: 'handed-on/made-of-it',
    rules: ['R095', 'R108'],
    title: "a request made of the one that is answered, handed on by emit('request', …), does not wait for that one's answer",
    regression: true,
    routes: {
      '/derived': (req, res, { server }) => void server.emit('request', Object.create(req, { url: { value: '/inner' } }), res),
      '/proxy': (req, res, { server }) => {
        const inner = new Proxy(req, { get: (target, name) => (name === 'url' ? '/inner' : Reflect.get(target, name, target)) })
        server.emit('request', inner, res)
      },
    },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/derived'), get('/proxy'), get('/behind')))
      deepEqual(
        (await client.take(3)).map(({ text }) => text),
        ['/inner', '/inner', '/behind'],
      )
      keeps(client.last)
    },
  },
  {
    id: 'handed-on/pair-of-its-own',
    rules: ['R095', 'R108'],
    title:
      'a request and a response that the application has made for the connection itself do not wait for the one that is answered',
    regression: true,
    routes: {
      '/pair': (req, res, { server }) => {
        const inner = Object.assign(new IncomingMessage(req.socket), { url: '/inner', method: 'GET', httpVersion: '1.1' })
        Object.assign(inner, { httpVersionMajor: 1, httpVersionMinor: 1, headers: { host: 'x' } })
        server.emit('request', inner, Object.assign(new ServerResponse(inner), { end: () => res.end('of the pair') }))
      },
    },
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/pair'), get('/behind')))
      deepEqual(
        (await client.take(2)).map(({ text }) => text),
        ['of the pair', '/behind'],
      )
      keeps(client.last)
    },
  },
  {
    id: 'handed-on/derived-response',
    rules: ['R095', 'R108'],
    title:
      'a response and a socket made of those that are governed (`Object.create(res)`) have the methods of Node, and nothing is thrown',
    regression: true,
    routes: {
      '/derived-response': (req, res) => {
        const socket: typeof req.socket = Object.create(req.socket, { remoteAddress: { value: '192.0.2.1' } })
        const inner: typeof res = Object.create(res, { statusMessage: { value: 'Fine', writable: true } })
        try {
          socket.setTimeout(60_000).setTimeout(0)
          inner.writeHead(200, { 'X-Inner': '1' })
          res.end('derived')
        } catch (error) {
          res.end(String(error))
        }
      },
    },
    run: async (host) => {
      const client = await host.connect()
      equal((await client.ask(get('/derived-response'))).text, 'derived')
      keeps(client.last)
    },
  },
  {
    id: 'handed-on/connect-listener',
    rules: ['R146'],
    title: "after removeAllListeners('connect') the application's own listener, added then, has the tunnels",
    regression: true,
    hosts: ['http', 'https', 'express4', 'express5'],
    run: async (host) => {
      host.server.removeAllListeners('connect')
      const taken = echo(host, 'connect')
      const client = await host.connect()
      await client.send(ask('CONNECT', 'there:80'))
      equal((await client.next()).status, 200)
      await client.send('through')
      await tunnelSays(client, 'through')
      deepEqual(taken.list, ['there:80'])
    },
  },
  {
    id: 'handed-on/no-connect-listener',
    rules: ['R146'],
    title: "after removeAllListeners('connect'), and with none of its own, a CONNECT costs no answer before it",
    hosts: ['http', 'https', 'express4', 'express5'],
    run: async (host) => {
      host.server.removeAllListeners('connect')
      const client = await host.connect()
      void client.send(pipeline(get('/held'), ask('CONNECT', 'there:80')))
      const { res } = await host.request('/held')
      setTimeout(() => res.end('held'), 100)
      equal((await client.next()).text, 'held')
    },
  },
  {
    id: 'handed-on/expectation-listener',
    rules: ['R156'],
    title: "after removeAllListeners('checkExpectation') the application's own listener, added then, answers",
    regression: true,
    hosts: ['http', 'https', 'express4', 'express5'],
    run: async (host) => {
      host.server.removeAllListeners('checkExpectation')
      host.server.on('checkExpectation', (_req: IncomingMessage, res: ServerResponse) => void res.writeHead(418).end('mine'))
      const client = await host.connect()
      await client.send(ask('GET', '/', 'Expect: something'))
      equal((await client.next()).status, 418)
    },
  },
]
