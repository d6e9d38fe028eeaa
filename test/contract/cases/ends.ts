import { deepEqual, equal, ok } from 'node:assert/strict'
import type { CloseEvent, Options } from '@halfclose/core'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { filled } from '../../support/filler.js'
import type { Host, Route, ServerSettings } from '../../support/host.js'
import { get, get10, postHead } from '../../support/requests.js'
import { pass, patience, until, within } from '../../support/wait.js'
import { echo, upgradeTo } from './gate-special.js'

const MiB = 1024 * 1024

const routes: Record<string, Route> = {
  '/close': (_req, res) => res.setHeader('Connection', 'close').end('bye'),
  '/short': (_req, res) => void res.writeHead(200, { 'Content-Length': 100 }).end('short'),
  '/destroys': (_req, res) => void res.destroy(),
  '/half': (_req, res) => void res.write('half of it'),
  '/large': (_req, res) => void res.end(filled(16 * MiB)),
  '/unread': (_req, res) => res.end('early'),
}

/** The lines of connections, by their client. */
const lines = new Map<string, string>()

const nextClose = ({ connections }: Host): Promise<CloseEvent> => new Promise((resolve) => connections.once('close', resolve))

const SHORT = { keepAlive: { timeout: 1_000 } }

/** What an event says of how a connection ended, but for what differs from run to run. */
type Told = Pick<CloseEvent, 'reason' | 'first' | 'state' | 'request' | 'reset' | 'promise'>

interface Setup {
  options?: Options
  server?: ServerSettings
  /** Off: the client does not answer the server's FIN. */
  obliging?: false
  /** How the client sees it, where that is sure. */
  seen?: 'fin' | 'reset'
  code?: string | RegExp
}

/** A connection that ends in a way, and what is told of it: `reason first state request|- reset|fin promise`, and the letters of its line. */
const ends = (
  id: string,
  title: string,
  told: string,
  act: (client: Client, host: Host) => Promise<unknown>,
  { options, server, obliging, seen, code }: Setup = {},
): Case => ({
  id: `ends/${id}`,
  rules: ['R010', 'R192'],
  title: `of ${title} is told: ${told}`,
  options: { ...options, connectionLog: (line, event) => void lines.set(event.remote, line) },
  ...(server && { server }),
  routes,
  run: async (host) => {
    const closed = nextClose(host)
    const client = await host.connect(obliging === false ? { obliging } : {})
    await act(client, host)
    const event = await within(closed, () => `the close event\n${client}`, 3 * patience)
    const line = lines.get(event.remote) ?? ''
    equal(`${inWords(event)} ${line.split(' ').at(-1)}`, told)
    ok(line.startsWith(`${event.remote} http/1.1 tls${host.tls ? '1.3' : '-'} `), line)
    equal(event.inFlight, event.request !== undefined)
    equal(event.protocol, '1.1')
    equal(event.tls, host.tls ? '1.3' : false)
    if (code instanceof RegExp) ok(code.test(event.code ?? ''), event.code)
    else equal(event.code, code)
    if (seen !== undefined) equal(await client.closed(), seen)
    // An event that says so is counted, and no other.
    const counted = Object.values(host.connections.stats().promisesBroken).reduce((sum, n) => sum + n, 0)
    equal(counted, event.promise === 'broken' ? 1 : 0)
  },
})

function inWords({ reason, first, state, request, reset, promise }: Told): string {
  return [reason, first, state, request ?? '-', reset ? 'reset' : 'fin', promise].join(' ')
}

const held = async (client: Client, host: Host, path = '/held') => {
  await client.send(get(path))
  return host.request(path)
}

/** How connections end, as the event of a close has it. */
export const endings: Case[] = [
  ends('idle', 'one that was kept idle for its hold', 'idle server idle - fin kept cI-k', (client) => client.ask(get('/a')), {
    options: SHORT,
    seen: 'fin',
  }),
  ends(
    'idle-gone',
    'an idle client that does not answer the FIN',
    'idle server lingering - fin kept cL-k',
    (client) => client.ask(get('/a')),
    { options: { ...SHORT, linger: { quiet: 200 } }, obliging: false },
  ),
  ends('client-leaves', 'a client that closes an idle connection', 'client-close peer idle - fin kept -I-k', async (client) => {
    await client.ask(get('/a'))
    client.fin()
  }),
  ends('client-asks', 'a request that says close', 'client-close server closing - fin none CD--', (client) =>
    client.ask(get('/a', 'Connection: close')),
  ),
  ends(
    'client-fin',
    'a client that half-closes, and is answered',
    'client-close peer closing - fin none CD--',
    async (client, host) => {
      const { res } = await held(client, host)
      client.fin()
      await pass(50)
      res.end('late')
      equal((await client.next()).text, 'late')
    },
  ),
  ends('client-resets-idle', 'a client that resets an idle connection', 'peer peer idle - reset kept CI-k', async (client) => {
    await client.ask(get('/a'))
    client.reset()
  }, { code: 'ECONNRESET' }), // biome-ignore format: short
  ends('client-resets-busy', 'a client that resets amid its request', 'peer peer busy handler reset none CH--', async (client, host) => {
    await held(client, host)
    client.reset()
  }, { code: 'ECONNRESET' }), // biome-ignore format: short
  ends('client-resets-amid-response', 'a client that resets amid a response', 'peer peer busy sending reset none CD--', async (client, host) => {
    await held(client, host, '/half')
    await client.head(0)
    client.reset()
  }, { code: /ECONNRESET|EPIPE/ }), // biome-ignore format: short
  ends('client-resets-amid-head', 'a client that resets amid a head', 'peer peer busy receiving reset none CR--', async (client, host) => {
    await client.send('GET /a HT')
    await until('it to arrive', () => host.connections.stats().open.busy === 1)
    client.reset()
  }, { code: 'ECONNRESET' }), // biome-ignore format: short
  ends('silent-leaves', 'a client that never sent a byte', 'client-close peer silent - fin none -N--', async (client, host) => {
    await until('it to be seen', () => host.connections.stats().open.silent === 1)
    client.fin()
  }),
  ends(
    'max-requests',
    'the last of so many requests',
    'max-requests server closing - fin none PD--',
    (client) => client.ask(get('/a')),
    {
      options: { keepAlive: { maxRequests: 1 } },
    },
  ),
  ends(
    'max-age',
    'one that is too old',
    'max-age server closing - fin none PD--',
    async (client) => {
      await client.ask(get('/a'))
      await pass(2_400)
      await client.ask(get('/b'))
    },
    { options: { keepAlive: { maxAge: 2_000 } } },
  ),
  ends('http10', 'HTTP/1.0 without keep-alive', 'http10 server closing - fin none PD--', (client) => client.ask(get10('/a'))),
  ends('handler', 'a handler that says close', 'handler server closing - fin none AD--', (client) => client.ask(get('/close'))),
  ends(
    'handler-destroys',
    'a handler that destroys its response',
    'handler server busy handler fin none AH--',
    (client) => client.send(get('/destroys')),
    { seen: 'fin' },
  ),
  ends('content-length', 'a body that is short', 'content-length server busy sending fin none AD--', (client) =>
    client.send(get('/short')),
  ),
  ends('malformed', 'what is no request', 'error server busy - fin none ER--', (client) => client.send('nonsense\r\n\r\n'), {
    code: /^HPE_/,
  }),
  ends('late-head', 'a head that is late', 'error server busy - fin none cR--', (client) => client.send('GET / HT'), {
    server: { headersTimeout: 300, connectionsCheckingInterval: 50 },
    code: 'ERR_HTTP_REQUEST_TIMEOUT',
  }),
  ends('timeout', 'server.setTimeout', 'timeout server busy handler fin none cH--', (client) => client.send(get('/held')), {
    server: { connectionTimeout: 400 },
  }),
  ends(
    'half-closed',
    'a half-closed client whose answer does not come',
    'half-closed peer busy handler fin none cH--',
    async (client, host) => {
      await held(client, host)
      client.fin()
    },
    { options: { halfClosed: 300 } },
  ),
  ends(
    'stalled',
    'a client that does not read',
    'stalled server busy sending fin none cD--',
    async (client) => {
      client.stream.pause()
      await client.send(get('/large'))
    },
    { options: { limits: { stalled: 500 } } },
  ),
  ends(
    'upload-stalls',
    'a body that does not come',
    'stalled server busy receiving fin none cR--',
    async (client, host) => {
      await client.send(`${postHead('/held', 100)}x`)
      await host.request('/held')
    },
    { options: { limits: { stalled: false, minRate: 100_000 } } },
  ),
  ends('drain-busy', 'a request that is answered in a drain', 'draining server closing - fin none DD--', async (client, host) => {
    const { res } = await held(client, host)
    await host.stopping()
    res.end('x')
  }),
  ends(
    'drain-idle',
    'an idle connection in a drain',
    'draining server idle - fin kept DI-k',
    async (client, host) => {
      await client.ask(get('/a'))
      await host.stopping()
    },
    { options: { keepAlive: { timeout: 1_000, hold: 60_000 } }, seen: 'fin' },
  ),
  ends(
    'drain-breaks',
    'a promise that a drain breaks',
    'deadline server idle - fin broken KI-B',
    async (client, host) => {
      await client.ask(get('/a'))
      await host.stopping()
    },
    { options: { drain: { deadline: 300 } }, seen: 'fin' },
  ),
  ends(
    'deadline-handler',
    'a handler that is cut at the deadline',
    'deadline server busy handler fin none KH--',
    async (client, host) => {
      await held(client, host)
      void host.stop()
    },
    { options: { drain: { deadline: 400 } }, seen: 'fin' },
  ),
  ends(
    'deadline-sending',
    'a response that is cut at the deadline',
    'deadline server busy sending fin none KD--',
    async (client, host) => {
      await held(client, host, '/half')
      await client.head(0)
      void host.stop()
    },
    { options: { drain: { deadline: 400 } }, seen: 'fin' },
  ),
  ends(
    'close-idle',
    'closeIdleConnections() within the promise',
    'handler server idle - fin broken AI-B',
    async (client, host) => {
      await client.ask(get('/a'))
      host.server.closeIdleConnections()
    },
    { seen: 'fin' },
  ),
  ends(
    'limit',
    'one connection too many',
    'limit server closing - fin none LD--',
    async (_client, host) => {
      const excess = await host.connect()
      equal((await excess.ask(get('/a'))).status, 503)
    },
    { options: { limits: { connections: 1 } } },
  ),
  ends('silent-late', 'one that never sent a byte in time', 'error server silent - fin none cN--', async () => {}, {
    server: { headersTimeout: 300, connectionsCheckingInterval: 50 },
    code: 'ERR_HTTP_REQUEST_TIMEOUT',
  }),
  ends(
    'silent-drain',
    'one that never sent a byte in a drain',
    'draining server silent - fin none DN--',
    async (_client, host) => {
      await until('it to be seen', () => host.connections.stats().open.silent === 1)
      void host.stop()
    },
    { options: { drain: { silent: 100 } }, seen: 'fin' },
  ),
  ends(
    'silent-excess',
    'one too many that sends nothing',
    'limit server silent - fin none LN--',
    async (_client, host) => void (await host.connect()),
    { options: { limits: { connections: 1 }, linger: { quiet: 300 } } },
  ),
  ends(
    'lingers',
    'a client that was told close and does not end its side',
    'client-close server lingering - fin none CL--',
    (client) => client.ask(get('/a', 'Connection: close')),
    { options: { linger: { quiet: 200 } }, obliging: false, seen: 'fin' },
  ),
  ends('application-ends-upgraded', 'another protocol that the application ends', 'upgraded server upgraded - fin none AU--', async (client, host) => {
    host.server.on('upgrade', (_req, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'))
    await client.ask(upgradeTo('/chat'))
  }), // biome-ignore format: short
  ends(
    'deadline-upgraded',
    'another protocol that is there at the deadline',
    'deadline server upgraded - fin none KU--',
    async (client, host) => {
      echo(host, 'upgrade')
      await client.ask(upgradeTo('/chat'))
      void host.stop()
    },
    { options: { drain: { deadline: 400 } } },
  ),
  ends('upgraded', 'a client that ends another protocol', 'upgraded peer upgraded - fin none CU--', async (client, host) => {
    echo(host, 'upgrade')
    await client.ask(upgradeTo('/chat'))
    client.fin()
  }),
  ends('unread', 'an answer before the body had come, and a client that stops', 'limit server idle - fin broken LI-B', async (client) => {
    await client.send(`${postHead('/unread', 10)}x`)
    equal((await client.next()).text, 'early')
  }, { options: { linger: { quiet: 300, total: 500 } } }), // biome-ignore format: short
  {
    id: 'ends/bytes',
    rules: ['R010'],
    title: 'the bytes that are told are those of TCP, either way',
    routes,
    run: async (host) => {
      const closed = nextClose(host)
      const client = await host.connect()
      await client.ask(get('/large', 'Connection: close'))
      await client.over()
      const { bytes } = await within(closed, () => 'the close event')
      deepEqual(bytes, { read: client.raw.bytesWritten, written: client.raw.bytesRead })
    },
  },
  {
    id: 'ends/bytes-of-a-cut',
    rules: ['R010'],
    title: 'of a response that is cut the bytes are told that the kernel took, and not those that waited in the process',
    options: { limits: { stalled: 500 } },
    routes,
    run: async (host) => {
      const closed = nextClose(host)
      const client = await host.connect()
      client.stream.pause()
      if (host.tls) client.raw.pause()
      await client.send(get('/large'))
      const { bytes, requests } = await within(closed, () => 'the close event')
      equal(requests, 1)
      ok(bytes.written > 0 && bytes.written < 12 * MiB, `${bytes.written} bytes`)
    },
  },
]
