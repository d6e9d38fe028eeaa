import { deepEqual, equal, match, ok } from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { OpenConnection } from '@halfclose/core'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { filled } from '../../support/filler.js'
import type { Host } from '../../support/host.js'
import { get, postHead } from '../../support/requests.js'
import { until } from '../../support/wait.js'

/** The connection of a client, once it is listed as `wanted` says. */
export async function listed(host: Pick<Host, 'connections'>, port: number | undefined, wanted: RegExp): Promise<OpenConnection> {
  let seen: OpenConnection | undefined
  const isThere = () => {
    seen = host.connections.list().find(({ remote }) => remote.endsWith(`:${port}`))
    return seen !== undefined && wanted.test(seen.waitsFor)
  }
  await until(`a connection that waits for ${wanted}`, isThere).catch((error) => {
    throw new Error(`${error.message}; listed is ${JSON.stringify(host.connections.list())}`)
  })
  ok(seen)
  return seen
}

const portOf = ({ raw }: Client) => raw.localPort

/** `connections.list()`: who is open now, and what is waited for. */
export const list: Case[] = [
  {
    id: 'list/handler',
    rules: ['R202'],
    title: 'a request that its handler has not answered is listed with its method, its path without the query, and for how long',
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/held?secret=1'))
      await host.request('/held?secret=1')
      const { method, path, state, inFlight, requests, protocol, ms, age } = await listed(host, portOf(client), /^the handler$/)
      deepEqual(
        { method, path, state, inFlight, requests, protocol },
        { method: 'GET', path: '/held', state: 'busy', inFlight: 1, requests: 1, protocol: '1.1' },
      )
      // The request's time is a tenth of a second early, at most.
      ok(ms >= 0 && age >= 0 && ms <= age + 200, `${ms} ms of ${age} ms`)
    },
  },
  {
    id: 'list/unread',
    rules: ['R202'],
    title: 'a client that does not read its response is named with what is unsent; once it reads, it is not said not to',
    routes: { '/large': (_req, res) => void res.end(filled(24e6)) },
    run: async (host) => {
      const client = await host.connect()
      client.stream.pause()
      await client.send(get('/large'))
      await listed(host, portOf(client), /^the client does not read: [\d.]+ MB unsent$/)
      client.stream.resume()
      equal((await client.next()).body.length, 24e6)
      await listed(host, portOf(client), /^the next request, promised for [\d.]+ s more$/)
    },
  },
  {
    id: 'list/slow-reader',
    rules: ['R202'],
    title: 'nor is one that reads slowly, seen between two looks',
    routes: { '/large': (_req, res) => void res.end(filled(24e6)) },
    run: async (host) => {
      const client = await host.connect()
      client.stream.pause()
      await client.send(get('/large'))
      const unread = await listed(host, portOf(client), /unsent$/)
      const sip = setInterval(() => client.stream.read(256 * 1024), 10)
      try {
        const taking = await listed(host, portOf(client), /^the client takes its response: [\d.]+ MB unsent$/)
        equal(taking.id, unread.id)
      } finally {
        clearInterval(sip)
      }
    },
  },
  {
    id: 'list/body',
    rules: ['R202'],
    title: 'one that does not send its body, and one that does, piece by piece; one that has not sent its whole head',
    run: async (host) => {
      const [body, head] = [await host.connect(), await host.connect()]
      await body.send(`${postHead('/upload', 1e6)}a few bytes`)
      await head.send('GET /half HTTP/1.1\r\nHost: ')
      const { method, path, state } = await listed(host, portOf(body), /^the client does not send its body$/)
      deepEqual({ method, path, state }, { method: 'POST', path: '/upload', state: 'busy' })
      await listed(host, portOf(head), /^the client does not finish its request$/)
      const trickle = setInterval(() => void body.send('more'), 20)
      try {
        await listed(host, portOf(body), /^the client is sending its body$/)
      } finally {
        clearInterval(trickle)
      }
    },
  },
  {
    id: 'list/websocket',
    rules: ['R202'],
    title: 'a connection of another protocol is listed by its name, with the path that it asked for',
    run: async (host) => {
      host.server.on('upgrade', (_req: IncomingMessage, socket: Duplex) => {
        socket.on('error', () => {})
        socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
      })
      const client = await host.connect()
      equal((await client.ask(get('/chat?token=1', 'Connection: Upgrade', 'Upgrade: WebSocket'))).status, 101)
      const { state, path, inFlight } = await listed(host, portOf(client), /^websocket$/)
      deepEqual({ state, path, inFlight }, { state: 'upgraded', path: '/chat', inFlight: 0 })
    },
  },
  {
    id: 'list/promised',
    rules: ['R202'],
    title: 'an idle connection is listed with what is left of its promise',
    options: { keepAlive: { timeout: 60_000 } },
    run: async (host) => {
      const client = await host.idleClient()
      const waits = /^the next request, promised for [\d.]+ s more$/
      const { promiseLeft, state, requests } = await listed(host, portOf(client), waits)
      ok(promiseLeft > 0 && promiseLeft <= 60_000, `${promiseLeft} ms left`)
      deepEqual({ state, requests }, { state: 'idle', requests: 1 })
    },
  },
  {
    id: 'list/held',
    rules: ['R202'],
    title: 'when its promise is over, as held for the proxy, and since when',
    options: { keepAlive: { timeout: 1_000, hold: 60_000 } },
    server: { keepAliveTimeout: 60_000 },
    run: async (host) => {
      const client = await host.idleClient()
      const held = await listed(host, portOf(client), /^held for the proxy, [\d.]+ s since the last request$/)
      equal(held.promiseLeft, 0)
      match(held.waitsFor, new RegExp(` ${Number((held.ms / 1_000).toFixed(1))} s since`))
    },
  },
  {
    id: 'list/order',
    rules: ['R202'],
    title:
      'what has a request comes first, the longest of all, then other states, and idle ones last; limit and state narrow it down',
    run: async (host) => {
      const idle = await host.idleClient()
      const silent = await host.connect()
      const [first, second] = [await host.connect(), await host.connect()]
      for (const [client, path] of [
        [first, '/held/first'],
        [second, '/held/second'],
      ] as const) {
        await client.send(get(path))
        await host.request(path)
        // Requests are told apart by tenths of a second.
        await until('the next tenth', () => (host.connections.list({ state: 'busy', limit: 1 })[0]?.ms ?? 0) > 250)
      }
      await until('four', () => host.connections.list().length === 4)
      const ports = (options?: Parameters<typeof host.connections.list>[0]) =>
        host.connections.list(options).map(({ remote }) => Number(remote.split(':').at(-1)))
      deepEqual(ports(), [first, second, silent, idle].map(portOf))
      deepEqual(ports({ limit: 1 }), [portOf(first)])
      deepEqual(ports({ state: 'idle' }), [portOf(idle)])
      deepEqual(ports({ state: ['idle', 'silent'], limit: false }), [silent, idle].map(portOf))
      deepEqual(ports({ state: 'lingering' }), [])
    },
  },
  {
    id: 'list/drain',
    rules: ['R202'],
    title: 'what held a drain to its deadline is in the report in the same words',
    options: { drain: { deadline: 1_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(get('/held'))
      await host.request('/held')
      const { heldBy } = await host.report()
      deepEqual(
        heldBy.map(({ path, waitsFor }) => ({ path, waitsFor })),
        [{ path: '/held', waitsFor: 'the handler' }],
      )
    },
  },
]
