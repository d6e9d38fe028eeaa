import { deepEqual, equal, ok } from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type Case, withInterval } from '../../support/contract.js'
import { closes, keeps } from '../../support/expect.js'
import type { Host, Route } from '../../support/host.js'
import { ask, get, pipeline, postHead } from '../../support/requests.js'
import { pass, until, within } from '../../support/wait.js'
import { echo, tunnelSays, upgradeTo } from './gate-special.js'

const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'
const page = Buffer.alloc(100_000, 'x')

const routes: Record<string, Route> = {
  '/old': (req, res, { server }) => {
    req.url = '/new'
    server.emit('request', req, res)
  },
  '/early': (req, res) => {
    req.on('data', () => {})
    res.setHeader('Connection', 'close')
    res.end('early')
  },
  '/page': (_req, res) => void res.end(page),
  '/events': (_req, res) => void res.writeHead(200, { 'Content-Type': 'text/event-stream' }).write('data: hello\n\n'),
}

const alive = async (host: Host): Promise<void> => keeps(await (await host.connect()).ask(get('/alive')))

/** What passes the gate twice, by another door, or never because its client has left. */
const cases: Case[] = [
  {
    id: 'gate/continue-handed-on',
    rules: ['R154', 'R152'],
    title: "a checkContinue listener that sends 100 and emits 'request', as Node's documentation has it, is answered",
    regression: true,
    run: async (host) => {
      host.server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => {
        res.writeContinue()
        host.server.emit('request', req, res)
      })
      const client = await host.connect()
      const expecting = ask('POST', '/upload', 'Expect: 100-continue', 'Content-Length: 4')
      for (const time of [1, 2]) {
        void client.send(expecting)
        equal((await within(client.interim.at(time - 1), () => `100 Continue\n${client}`)).status, 100)
        void client.send('body')
        equal((await client.next()).text, '/upload 4')
        keeps(client.last)
      }
    },
  },
  {
    id: 'gate/redirected-within',
    rules: ['R095', 'R108'],
    title: "a handler that changes the URL and emits 'request' again is answered, and so is what is pipelined behind it",
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      void client.send(pipeline(get('/old'), get('/behind')))
      deepEqual(
        (await client.take(2)).map(({ text }) => text),
        ['/new', '/behind'],
      )
      deepEqual(host.paths, ['/old', '/new', '/behind'])
    },
  },
  {
    id: 'gate/upgrade-behind-early-close',
    rules: ['R120', 'R113'],
    title:
      'an upgrade behind a close, while the body of the last request is still read, is not processed, and its reset crashes nothing',
    regression: true,
    run: async (host) => {
      const upgrades = echo(host, 'upgrade')
      const client = await host.connect({ obliging: false })
      void client.send(`${postHead('/early', 6)}abc`)
      closes(await client.next())
      await client.send(`def${upgradeTo('/chat')}`)
      await pass(150)
      client.reset()
      await until('the connection gone', async () => (await host.openConnections()) === 0)
      deepEqual(upgrades.list, [])
      await alive(host)
    },
  },
  {
    id: 'gate/held-upgrade-first-frames',
    rules: ['R146', 'R001'],
    title: 'a held upgrade whose handler takes its time gets the frames that came meanwhile',
    regression: true,
    run: async (host) => {
      host.server.on('upgrade', async (_req: IncomingMessage, socket: Duplex, head: Buffer) => {
        socket.on('error', () => {})
        await pass(300)
        socket.write(SWITCHING)
        if (head.length > 0) socket.write(head)
        socket.on('data', (data) => socket.write(data))
      })
      const client = await host.connect()
      void client.send(pipeline(get('/held'), upgradeTo('/chat')))
      const { res } = await host.request('/held')
      res.end('held')
      equal((await client.next()).text, 'held')
      await pass(100) // it was handed over, and nobody listens yet
      await client.send('first ')
      equal((await client.next()).status, 101)
      await client.send('second')
      await tunnelSays(client, 'first second')
    },
  },
  {
    id: 'gate/upgrade-is-as-node-makes-it',
    rules: ['R147', 'R198'],
    title: 'an upgraded TLS connection is not left half-open: it ends with its client, as it does on Node',
    regression: true,
    hosts: ['https'],
    run: async (host) => {
      host.server.on('upgrade', (_req: IncomingMessage, socket: Duplex) =>
        socket
          .on('error', () => {})
          .resume()
          .write(SWITCHING),
      )
      const client = await host.connect()
      equal((await client.ask(upgradeTo('/chat'))).status, 101)
      client.fin()
      equal(await client.closed(3_000), 'fin')
      await until('the connection gone', async () => (await host.openConnections()) === 0)
    },
  },
  {
    id: 'gate/excused-once',
    rules: ['R092', 'R160', 'R053'],
    title:
      'of several requests that were held back beyond requestTimeout only the unfinished one gets a 408, in its turn and its own time',
    hosts: withInterval,
    server: { headersTimeout: 400, requestTimeout: 500, connectionsCheckingInterval: 100 },
    run: async (host) => {
      const client = await host.connect()
      void client.send(`${pipeline(get('/held'), get('/whole'))}${postHead('/unfinished', 10)}abc`)
      const { res } = await host.request('/held')
      await pass(1_200)
      equal(client.statuses, '')
      // Its time begins after this; when the client reads the answers before it is another matter.
      const began = Date.now()
      res.end('held')
      equal((await client.next()).text, 'held')
      equal((await client.next()).text, '/whole')
      equal((await client.next()).status, 408)
      ok(Date.now() - began >= 400, `after ${Date.now() - began} ms`)
      equal(await client.closed(), 'fin')
      deepEqual(host.paths, ['/held', '/whole', '/unfinished'])
    },
  },
  {
    id: 'gate/second-life',
    rules: ['R080', 'R147'],
    title: "a tunnel that is given back with server.emit('connection') is a connection of its own, and is counted once",
    regression: true,
    hosts: ['http', 'express4', 'express5', 'fastify4', 'fastify5', 'fastify6'],
    run: async (host) => {
      host.server.on('connect', (_req: IncomingMessage, socket: Duplex) => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        host.server.emit('connection', socket)
      })
      const client = await host.connect()
      equal((await client.ask(ask('CONNECT', 'a:1'))).status, 200)
      await client.send(get('/within'))
      const said = () => Buffer.concat(client.parser.tunnel).toString('latin1')
      await until('the answer through the tunnel', () => said().endsWith('/within'))
      client.fin()
      await client.closed()
      if (host.bare) return
      await until('both lives to end', () => host.connections.stats().connections.closed === 2)
      const { connections, requests } = host.connections.stats()
      deepEqual([connections.opened, requests.received, requests.finished], [2, 2, 2])
    },
  },
  {
    id: 'gate/tls-flood',
    rules: ['R053', 'R115', 'R126'],
    title: 'a hundred POSTs pipelined over TLS by a client that reads late are all answered: none becomes a 400',
    hosts: ['https'],
    alone: true,
    run: async (host) => {
      const client = await host.connect()
      client.stream.pause()
      for (let n = 0; n < 100; n++) void client.send(postHead('/page', 2_000) + 'y'.repeat(2_000))
      await pass(500)
      client.stream.resume()
      for (const answer of await client.take(100)) deepEqual([answer.status, answer.length], [200, page.length], `${client}`)
      equal(host.seen.list.length, 100)
    },
  },
  {
    id: 'gate/leaves-while-several-wait',
    rules: ['R113', 'R192'],
    title: "a client that resets while several of its requests wait is noticed: res 'close' fires, and none of them is run",
    options: { halfClosed: 20_000 },
    run: async (host) => {
      const client = await host.connect()
      void client.send(get('/events'))
      const { res } = await host.request('/events')
      const closed = new Promise((resolve) => res.on('close', resolve))
      await client.head(0)
      await client.send(pipeline(get('/1'), get('/2'), get('/3')))
      await pass(100)
      client.reset()
      await within(closed, () => "res 'close'")
      await until('the connection gone', async () => (await host.openConnections()) === 0)
      deepEqual(host.paths, ['/events'])
    },
  },
]

export const gateAgain: Case[] = cases.map((one) => ({ routes, ...one }))
