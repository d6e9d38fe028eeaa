import { deepEqual, equal, ok } from 'node:assert/strict'
import { constants } from 'node:crypto'
import { once } from 'node:events'
import type { Server } from 'node:http'
import { createSecureContext, TLSSocket } from 'node:tls'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { closesWith, keeps } from '../../support/expect.js'
import type { Host, Route } from '../../support/host.js'
import { credentials } from '../../support/hosts/http.js'
import { get } from '../../support/requests.js'
import { deferred, until, within } from '../../support/wait.js'

const routes: Record<string, Route> = {
  '/tls': ({ socket }, res) => {
    const { alpnProtocol, servername, reused } =
      socket instanceof TLSSocket
        ? { alpnProtocol: socket.alpnProtocol, servername: Reflect.get(socket, 'servername'), reused: socket.isSessionReused() }
        : {}
    res.end(JSON.stringify({ alpnProtocol, servername, reused }))
  },
}

type Version = 'TLSv1.2' | 'TLSv1.3'

/** Asks once, and keeps what the server gave it to come back with. */
async function sessionOf(host: Host, maxVersion: Version): Promise<Buffer> {
  const client = await host.connect({ secure: { maxVersion } })
  const given = deferred<Buffer>()
  client.secured.on('session', given.resolve)
  keeps(await client.ask(get('/first')))
  const before = client.secured.getSession()
  // TLS 1.2 has it from the handshake on, before anybody could listen.
  const session = maxVersion === 'TLSv1.2' && before !== undefined ? before : await within(given.promise, () => 'a session')
  client.fin()
  await client.closed()
  return session
}

const resumed = async (client: Client): Promise<void> => {
  ok(client.secured.isSessionReused(), 'a full handshake')
  equal(JSON.parse((await client.ask(get('/tls'))).text).reused, true)
}

/** Keeps sessions as a farm of servers would: out of the process, which takes a while. */
function keepSessions(server: Server): { stored: Map<string, Buffer>; asked: string[] } {
  const stored = new Map<string, Buffer>()
  const asked: string[] = []
  server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
    stored.set(id.toString('hex'), data)
    setTimeout(done, 20)
  })
  server.on('resumeSession', (id: Buffer, done: (error: Error | null, data: Buffer | null) => void) => {
    asked.push(id.toString('hex'))
    setTimeout(() => done(null, stored.get(id.toString('hex')) ?? null), 20)
  })
  return { stored, asked }
}

const noTickets = { tls: { secureOptions: constants.SSL_OP_NO_TICKET } }

const resumption = (version: Version, how: 'tickets' | 'ids'): Case[] => {
  const id = `${how}-${version === 'TLSv1.2' ? 'tls12' : 'tls13'}`
  const prepare = (host: Host) => (how === 'ids' ? keepSessions(host.server) : undefined)
  const setup = how === 'ids' ? { server: noTickets } : {}
  return [
    {
      id: `conformance/resumption-${id}`,
      rules: ['R126'],
      title: `${version}: a client that comes back with its session (${how}) resumes it, again and again`,
      regression: true,
      ...setup,
      run: async (host) => {
        const store = prepare(host)
        const session = await sessionOf(host, version)
        for (let n = 0; n < 3; n++) {
          const client = await host.connect({ secure: { maxVersion: version, session } })
          await resumed(client)
          keeps(await client.ask(get('/again')))
          if (!host.bare) client.fin()
        }
        if (store !== undefined) equal(store.asked.length, 3)
      },
    },
    {
      id: `conformance/resumption-in-a-drain-${id}`,
      rules: ['R126', 'R203'],
      title: `${version}: so it does while the server leaves, and where its handshake (${how}) ends after the listener has closed`,
      options: { drain: { delay: 600, silent: 3_000 } },
      ...setup,
      run: async (host) => {
        const { connections } = host
        prepare(host)
        const session = await sessionOf(host, version)
        const seen = once(host.server, 'connection')
        const begun = deferred<void>()
        const waits = host.connect({ secure: { maxVersion: version, session }, handshake: begun.promise })
        await within(seen, () => 'the connection at the server')
        void host.stop()
        await until('leaving', () => connections.state === 'leaving')
        await resumed(await host.connect({ secure: { maxVersion: version, session } }))
        await until('the listener to close', () => !host.server.listening)
        begun.resolve()
        const late = await waits
        ok(late.secured.isSessionReused(), 'a full handshake')
        await closesWith(late, await late.ask(get('/late')))
      },
    },
  ]
}

const cases: Case[] = [
  ...resumption('TLSv1.2', 'tickets'),
  ...resumption('TLSv1.3', 'tickets'),
  ...resumption('TLSv1.2', 'ids'),
  {
    id: 'conformance/alpn-default',
    rules: ['R126'],
    title: 'ALPN goes on choosing http/1.1, for a client that offers h2 as well, and for one that offers nothing',
    regression: true,
    run: async (host) => {
      const both = await host.connect({ alpn: ['h2', 'http/1.1'] })
      equal(both.secured.alpnProtocol, 'http/1.1')
      equal(JSON.parse((await both.ask(get('/tls'))).text).alpnProtocol, 'http/1.1')
      const none = await host.connect()
      equal(none.secured.alpnProtocol, false)
      keeps(await none.ask(get('/a')))
    },
  },
  {
    id: 'conformance/alpn-protocols',
    rules: ['R126'],
    title: "the application's own ALPNProtocols are kept, and what they choose is governed",
    server: { tls: { ALPNProtocols: ['x-own', 'http/1.1'] } },
    regression: true,
    run: async (host) => {
      const client = await host.connect({ alpn: ['x-own'] })
      equal(client.secured.alpnProtocol, 'x-own')
      keeps(await client.ask(get('/a')))
      await closesWith(client, await client.ask(get('/b', 'Connection: close')))
    },
  },
  {
    id: 'conformance/alpn-and-sni-callbacks',
    rules: ['R126'],
    title: "the application's SNICallback, which takes its time, and its ALPNCallback are asked as ever",
    server: {
      tls: {
        SNICallback: (_name, done) => void setTimeout(() => done(null, createSecureContext(credentials)), 20),
        ALPNCallback: ({ servername, protocols }) => protocols.find((name) => name === `x-${servername}`),
      },
    },
    regression: true,
    run: async (host) => {
      const client = await host.connect({ alpn: ['http/1.1', 'x-one.example'], secure: { servername: 'one.example' } })
      equal(client.secured.alpnProtocol, 'x-one.example')
      deepEqual(JSON.parse((await client.ask(get('/tls'))).text), {
        alpnProtocol: 'x-one.example',
        servername: 'one.example',
        reused: false,
      })
    },
  },
]

/** What TLS agrees on before HTTP begins is none of our business, and stays as it is. */
export const conformanceTlsSessions: Case[] = cases.map((one) => ({ routes, hosts: ['https'], ...one }))
