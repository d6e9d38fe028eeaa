import { deepEqual, equal, ok } from 'node:assert/strict'
import { once } from 'node:events'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import type { Client } from '../../support/client.js'
import { closes } from '../../support/expect.js'
import { both, type Case, secure } from '../../support/h2/contract.js'
import { endsWith } from '../../support/h2/expect.js'
import type { H2Host } from '../../support/h2/host.js'
import { get, postHead } from '../../support/requests.js'
import { deferred, pass, until, within } from '../../support/wait.js'

const versions = ['TLSv1.2', 'TLSv1.3'] as const
type Version = (typeof versions)[number]
const short = (version: Version) => (version === 'TLSv1.2' ? 'tls12' : 'tls13')

/** One of the ways in which the server ends a connection of HTTP/1.1 on a port that speaks both. */
interface Way extends Pick<Case, 'options' | 'regression'> {
  id: string
  what: string
  act: (client: Client, host: H2Host) => Promise<unknown>
}

const ways: Way[] = [
  {
    id: 'close',
    what: 'after an answer to `Connection: close`',
    regression: true,
    act: async (client) => closes(await client.ask(get('/a', 'Connection: close'))),
  },
  {
    id: 'idle',
    what: 'at the end of the hold',
    options: { keepAlive: { timeout: 1_000 } },
    act: (client) => client.ask(get('/a')),
  },
  { id: '400', what: 'after a 400', act: async (client) => equal((await client.ask('nonsense\r\n\r\n')).status, 400) },
  {
    id: 'drain-idle',
    what: 'in a drain with `idle: 0`',
    options: { keepAlive: { timeout: 20_000 }, drain: { idle: 0 } },
    act: async (client, host) => {
      await client.ask(get('/a'))
      void host.stop()
    },
  },
  {
    id: 'drain-busy',
    what: 'in a drain, after the answer in flight',
    act: async (client, host) => {
      void client.send(`${postHead('/held', 4)}body`)
      const { res } = await host.request('/held')
      await host.stopping()
      res.end('done')
      closes(await client.next())
    },
  },
]

/** Tunnels by the stream API: whoever takes them answers on the stream. */
function tunnels({ server }: H2Host): ServerHttp2Stream[] {
  const taken: ServerHttp2Stream[] = []
  server.on('connect', (_req: unknown, res: { stream: ServerHttp2Stream }) => {
    taken.push(res.stream)
    res.stream.respond({ ':status': 200 })
    res.stream.on('data', (chunk: Buffer) => res.stream.write(chunk))
  })
  return taken
}

const webSocket = { method: 'CONNECT', fields: [[':protocol', 'websocket']], end: false } as const
const plain = ['http2', 'https2', 'https2and1'] as const
const extended = { hosts: plain, server: { settings: { enableConnectProtocol: true } } } as const

const openWebSocket = async (host: H2Host) => {
  const client = await host.connect()
  await client.frame('SETTINGS', ({ ack }) => ack)
  const stream = client.ask('/chat?token=secret', { ...webSocket, fields: [...webSocket.fields] })
  client.data(stream, 'hello')
  await client.until(() => client.of(stream).text === 'hello', 'the echo')
  return { client, stream }
}

/** TLS under HTTP/2 and beside it; tunnels over HTTP/2 (RFC 8441). */
export const tls: Case[] = [
  ...ways.flatMap(({ id, what, act, ...more }) =>
    versions.map(
      (version): Case => ({
        id: `h2-tls/http1-close-notify-${id}-${short(version)}`,
        rules: ['R127', 'R197'],
        title: `${version}: HTTP/1.1 on the same port: close_notify, then FIN, ${what}`,
        hosts: both,
        ...more,
        run: async (host) => {
          const client = await host.connectHttp1({ secure: { maxVersion: version } })
          equal(client.secured.getProtocol(), version)
          await act(client, host)
          equal(await client.closed(), 'fin', `${client}`)
          ok(client.closeNotify, `a bare FIN\n${client}`)
        },
      }),
    ),
  ),
  ...versions.flatMap((version): Case[] => [
    {
      id: `h2-tls/goaway-close-notify-${short(version)}`,
      rules: ['R127', 'R168', 'R197'],
      title: `${version}: a session that a drain ends: GOAWAY, the answer in flight, close_notify, FIN`,
      hosts: secure,
      run: async (host) => {
        const client = await host.idleClient({ secure: { maxVersion: version } })
        equal(client.connection.secured.getProtocol(), version)
        const stream = client.ask('/held')
        const { res } = await host.request('/held')
        await host.stopping()
        res.end('done')
        equal((await client.answer(stream)).text, 'done')
        await endsWith(client, 3)
      },
    },
    {
      id: `h2-tls/idle-close-notify-${short(version)}`,
      rules: ['R112', 'R127', 'R178'],
      title: `${version}: a session that is idle beyond http2.hold: GOAWAY, close_notify, FIN`,
      hosts: secure,
      options: { http2: { hold: 700 } },
      run: async (host) => {
        const client = await host.idleClient({ secure: { maxVersion: version } })
        await endsWith(client, 1)
      },
    },
    {
      id: `h2-tls/resumption-${short(version)}`,
      rules: ['R126'],
      title: `${version}: a client that comes back with its TLS session resumes it, also where its handshake ends in a drain`,
      hosts: secure,
      options: { drain: { silent: 3_000 } },
      run: async (host) => {
        const first = await host.connect({ secure: { maxVersion: version } })
        const given = deferred<Buffer>()
        first.connection.secured.on('session', given.resolve)
        await first.get('/first')
        const session =
          version === 'TLSv1.2' ? first.connection.secured.getSession() : await within(given.promise, () => 'a session')
        ok(session !== undefined)
        const again = await host.connect({ secure: { maxVersion: version, session } })
        ok(again.connection.secured.isSessionReused())
        equal((await again.get('/again')).text, '/again')
        const begun = deferred<void>()
        const waits = host.connect({ secure: { maxVersion: version, session }, handshake: begun.promise })
        await until('the server to see it', async () => (await host.openConnections()) === 3)
        await host.stopping()
        begun.resolve()
        const late = await waits
        ok(late.connection.secured.isSessionReused())
        equal(await late.closed(), 'fin')
      },
    },
  ]),
  {
    id: 'h2-tls/handshake-fails',
    rules: ['R201', 'R002'],
    title: 'a handshake that fails is no connection in stats(), and holds no drain',
    hosts: secure,
    run: async (host) => {
      const failed = once(host.server, 'tlsClientError')
      const socket = connectTcp({ port: host.port, host: '127.0.0.1' }).on('error', () => {})
      socket.write(get('/plain-text'))
      await within(failed, () => 'tlsClientError')
      socket.destroy()
      await until('nothing open', async () => (await host.openConnections()) === 0)
      deepEqual(host.connections.stats().connections, { opened: 0, closed: 0, refused: 0 })
      await within(host.report(), () => 'the drain', 3_000)
    },
  },
  {
    id: 'h2-tls/unknown-protocol',
    rules: ['R201', 'R202'],
    title: 'a client that agrees on no protocol is let go, counted once, and holds no drain',
    hosts: ['https2'],
    run: async (host) => {
      await host.connect()
      const other = await host.connectHttp1().catch(() => undefined)
      await other?.over()
      await until('one left', async () => (await host.openConnections()) === 1)
      const { opened, closed } = host.connections.stats().connections
      equal(opened - closed, 1)
    },
  },
  {
    id: 'h2-tunnel/told',
    rules: ['R147', 'R202'],
    title: 'a WebSocket over HTTP/2 goes on behind the GOAWAY, and ends itself at the signal: the drain is clean',
    ...extended,
    run: async (host) => {
      const taken = tunnels(host)
      const upgrades: object[] = []
      host.connections.on('upgrade', ({ method, target, protocol }) => upgrades.push({ method, target, protocol }))
      const { client, stream } = await openWebSocket(host)
      deepEqual(upgrades, [{ method: 'CONNECT', target: '/chat', protocol: 'websocket' }])
      equal(host.connections.stats().open.upgraded, 1)
      // It has heard the signal, and ends itself behind what its client says next.
      host.connections.signal.addEventListener('abort', () => taken[0]?.once('data', () => taken[0]?.end('goodbye')))
      void host.stop()
      await client.frame('GOAWAY')
      client.data(stream, ' again')
      equal((await client.answer(stream)).text, 'hello againgoodbye')
      client.data(stream, '', true)
      await endsWith(client, 1)
      ok((await host.report()).clean)
    },
  },
  {
    id: 'h2-tunnel/cut',
    rules: ['R130', 'R147', 'R202'],
    title: 'one that stays is cut at the deadline by a reset, not by a clean end, and named without its query',
    ...extended,
    options: { drain: { deadline: 1_000 } },
    run: async (host) => {
      tunnels(host)
      const { client, stream } = await openWebSocket(host)
      const began = Date.now()
      void host.stop()
      const { whole, reset } = await client.ended(stream)
      deepEqual([whole, reset], [false, 2], `${client}`)
      ok(Date.now() - began >= 800)
      const { heldBy, requests } = await host.report()
      deepEqual(
        heldBy.map(({ state, method, path }) => [state, method, path]),
        [['upgraded', 'CONNECT', '/chat']],
      )
      equal(requests.cut, 0)
    },
  },
  {
    id: 'h2-tunnel/upgraded',
    rules: ['R147'],
    title: 'with drain.upgraded one that stays gets a close frame with the code 1001, then a clean end, long before the deadline',
    ...extended,
    options: { drain: { upgraded: 400, deadline: 20_000 }, linger: { quiet: 500 } },
    run: async (host) => {
      tunnels(host)
      const client = await host.connect()
      await client.frame('SETTINGS', ({ ack }) => ack)
      const stream = client.ask('/chat', { ...webSocket, fields: [...webSocket.fields] })
      client.data(stream, '\x01\x02ok')
      await client.until(() => client.of(stream).text === '\x01\x02ok', 'the echo')
      void host.stop()
      const { whole, text } = await client.ended(stream)
      equal(whole, true, `${client}`)
      equal(text.slice(0, 6), '\x01\x02ok\x88\x02')
      const { clean, ms, heldBy } = await host.report()
      deepEqual({ clean, heldBy }, { clean: true, heldBy: [] })
      ok(ms < 15_000)
    },
  },
  {
    id: 'h2-tunnel/unwanted',
    rules: ['R080'],
    title: 'a CONNECT over HTTP/2 that nobody listens for gets the 405 that Node gives',
    regression: true,
    ...extended,
    run: async (host) => {
      const client = await host.connect()
      await client.frame('SETTINGS', ({ ack }) => ack)
      const stream = client.ask('/chat', { ...webSocket, fields: [...webSocket.fields] })
      equal((await client.answer(stream)).status, 405)
      client.connection.fin()
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'h2-tunnel/stream-listener',
    rules: ['R080'],
    title: "a CONNECT over HTTP/2 that a 'stream' listener has answered is not answered again, and nothing crashes",
    ...extended,
    run: async (host) => {
      host.server.prependListener('stream', (stream: ServerHttp2Stream, { ':method': method }: IncomingHttpHeaders) => {
        if (method !== 'CONNECT') return
        stream.respond({ ':status': 200 })
        stream.on('data', (chunk: Buffer) => stream.write(chunk))
      })
      const { client, stream } = await openWebSocket(host)
      client.data(stream, ' again')
      await client.until(() => client.of(stream).text === 'hello again', 'the second echo')
      equal((await client.get('/a')).status, 200)
    },
  },
  {
    id: 'h2-tunnel/close-with-a-code',
    rules: ['R130'],
    title:
      'a tunnel that the application closes with a code is reset with that code, as a TCP connection is: no END_STREAM, which would be its FIN',
    ...extended,
    run: async (host) => {
      const taken = tunnels(host)
      const { client, stream } = await openWebSocket(host)
      taken[0]?.on('error', () => {}).close(10)
      const { whole, reset } = await client.ended(stream)
      deepEqual([whole, reset], [false, 10], `${client}`)
      equal(host.connections.stats().requests.cut, 0)
    },
  },
  {
    id: 'h2-tunnel/stream-api-cut',
    rules: ['R130', 'R202'],
    title:
      'half a body that an application writes to the stream itself, without an error listener, is cut visibly, and nothing crashes',
    hosts: plain,
    options: { drain: { deadline: 700 } },
    routes: {
      '/half': (_req, res) => {
        res.stream.removeAllListeners('error')
        res.stream.respond({ ':status': 200 })
        res.stream.write('half of it')
      },
    },
    run: async (host) => {
      const client = await host.connect()
      const stream = client.ask('/half')
      await client.head(stream)
      void host.stop()
      const { whole, reset } = await client.ended(stream)
      deepEqual([whole, reset], [false, 2], `${client}`)
      await pass(50)
      equal((await host.report()).requests.cut, 1)
    },
  },
]
