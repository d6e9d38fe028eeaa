import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { closesWith } from '../../support/expect.js'
import type { Host } from '../../support/host.js'
import { get } from '../../support/requests.js'
import { Arrivals, deferred, pass, until, within } from '../../support/wait.js'

/** A TCP connection that the server has seen, and that says this at first. */
async function rawClient({ server, port }: Host, bytes?: Buffer): Promise<Socket> {
  const seen = once(server, 'connection')
  const socket = connectTcp({ port, host: '127.0.0.1' })
    .on('error', () => {})
    .resume()
  if (bytes !== undefined) socket.write(bytes)
  await within(seen, () => 'the connection at the server')
  return socket
}

/** The first record of a handshake, as Node's own client sends it. */
async function clientHello(): Promise<Buffer> {
  const sent = deferred<Buffer>()
  const transport = new Duplex({ read: () => {}, write: (chunk: Buffer) => sent.resolve(chunk) })
  const stream = connectTls({ socket: transport, rejectUnauthorized: false }).on('error', () => {})
  const hello = await sent.promise
  stream.destroy()
  return hello
}

const gone = (socket: Socket) =>
  within(new Promise((resolve) => socket.once('close', resolve)), () => 'the end of the connection')

const outcome = (connecting: Promise<Client>) =>
  connecting.then(
    () => 'connected',
    () => 'refused',
  )

const failuresOf = ({ server }: Host): Arrivals<Error> => {
  const failures = new Arrivals<Error>()
  server.on('tlsClientError', (error: Error) => failures.push(error))
  return failures
}

const nothingCounted = { opened: 0, closed: 0, refused: 0 }

const cases: Case[] = [
  {
    id: 'conformance/handshakes-unfinished-in-a-drain',
    rules: ['R201', 'R202', 'R021'],
    title: 'sixty handshakes in every stage hold a drain for drain.silent, not for longer, and are no requests of the report',
    options: { drain: { silent: 600 } },
    run: async (host) => {
      const hello = await clientHello()
      const sockets: Socket[] = []
      for (let n = 0; n < 20; n++)
        for (const bytes of [undefined, hello.subarray(0, 40), hello]) sockets.push(await rawClient(host, bytes))
      const began = Date.now()
      await within(host.stop(), () => 'stop() to end')
        .then(() => until('all to be closed by the server', () => sockets.every(({ closed }) => closed)))
        .finally(() => sockets.forEach((socket) => void socket.destroy()))
      ok(Date.now() - began >= 400, `after ${Date.now() - began} ms`)
      const { clean, requests, connections } = await host.report()
      deepEqual({ clean, requests, closed: connections.closed }, { clean: true, requests: none, closed: 0 })
    },
  },
  {
    id: 'conformance/handshake-unfinished-at-the-deadline',
    rules: ['R201', 'R202'],
    title: 'where drain.silent is longer, the deadline ends a handshake that drips on byte by byte',
    options: { drain: { silent: 10_000, deadline: 700 } },
    run: async (host) => {
      const hello = await clientHello()
      const socket = await rawClient(host, hello.subarray(0, 5))
      let sent = 5
      const dripping = setInterval(() => socket.write(hello.subarray(sent, ++sent)), 50)
      await within(host.stop(), () => 'stop() to end', 4_000).finally(() => {
        clearInterval(dripping)
        socket.destroy()
      })
      ok((await host.report()).clean)
    },
  },
  {
    id: 'conformance/handshake-finished-in-a-drain',
    rules: ['R201', 'R203', 'R204'],
    title: 'a handshake that is finished when the drain has begun is served: its request gets an answer with close',
    options: { drain: { silent: 3_000 } },
    run: async (host) => {
      const begun = deferred<void>()
      const connecting = host.connect({ handshake: begun.promise })
      await until('the server to see it', async () => (await host.openConnections()) === 1)
      await host.stopping()
      begun.resolve()
      const client = await connecting
      const answer = await client.ask(get('/late'))
      equal(answer.text, '/late')
      await closesWith(client, answer)
      const { clean, requests, connections } = await host.report()
      deepEqual({ clean, requests, closed: connections.closed }, { clean: true, requests: { ...none, rescued: 1 }, closed: 1 })
    },
  },
  {
    id: 'conformance/handshake-unfinished-and-close-all',
    rules: ['R201', 'R202'],
    title: 'closeAllConnections() ends unfinished handshakes as well, of which http knows nothing',
    run: async (host) => {
      const socket = await rawClient(host)
      const ended = gone(socket)
      host.server.closeAllConnections()
      await ended.finally(() => socket.destroy())
      await until('nothing open', async () => (await host.openConnections()) === 0)
    },
  },
  {
    id: 'conformance/handshake-fails',
    rules: ['R201', 'R002'],
    title: 'a handshake that fails is told to tlsClientError once, is no connection in stats(), and holds no drain',
    run: async (host) => {
      const failures = failuresOf(host)
      const nonsense = await rawClient(host, Buffer.from(get('/plain-text')))
      await gone(nonsense)
      equal(await outcome(host.connect({ secure: { maxVersion: 'TLSv1.1', minVersion: 'TLSv1' } })), 'refused')
      const leaves = await rawClient(host, (await clientHello()).subarray(0, 40))
      leaves.resetAndDestroy()
      await within(failures.at(2), () => `three tlsClientErrors, got ${failures.list}`)
      await until('nothing open', async () => (await host.openConnections()) === 0)
      await pass(50)
      equal(failures.list.length, 3)
      deepEqual(host.connections.stats().connections, nothingCounted)
      await within(host.report(), () => 'the drain', 3_000)
    },
  },
  {
    id: 'conformance/tls-counted-once',
    rules: ['R002', 'R192'],
    title:
      'the TCP socket and the TLS socket of a connection are one connection: in stats(), in events, in limits, in the report',
    options: { limits: { connections: 2 }, drain: { idle: 0 } },
    run: async (host) => {
      const events = new Arrivals<string>()
      host.connections.on('close', ({ reason }) => events.push(reason))
      const clients: Client[] = [await host.idleClient(), await host.idleClient()]
      deepEqual(host.connections.stats().connections, { opened: 2, closed: 0, refused: 0 })
      const { idle } = host.connections.stats().open
      equal(idle, 2)
      const [first, second] = clients
      first?.fin()
      await first?.closed()
      await within(events.at(0), () => 'a close event')
      const { connections } = await host.report()
      equal(await second?.closed(), 'fin')
      deepEqual(connections, { closed: 1, byReason: { draining: 1 } })
      deepEqual(events.list, ['client-close', 'draining'])
      deepEqual(host.connections.stats().connections, { opened: 2, closed: 2, refused: 0 })
    },
  },
  {
    id: 'conformance/tls-dropped-before-the-handshake',
    rules: ['R019', 'R201'],
    title: "with refuse: 'drop' the one too many is closed before its handshake, and is no connection",
    options: { limits: { connections: 1, refuse: 'drop' } },
    run: async (host) => {
      await host.idleClient()
      equal(await outcome(host.connect()), 'refused')
      deepEqual(host.connections.stats().connections, { opened: 1, closed: 0, refused: 1 })
    },
  },
]

const none = { finished: 0, rescued: 0, cut: 0 }

/** Connections that are still in their TLS handshake, and what TLS makes of one connection. */
export const conformanceTlsHandshakes: Case[] = cases.map((one) => ({ hosts: ['https'], ...one }))
