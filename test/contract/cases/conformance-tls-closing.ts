import { equal, ok } from 'node:assert/strict'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { closes } from '../../support/expect.js'
import type { Host, Route } from '../../support/host.js'
import { ask, get, get10, postHead } from '../../support/requests.js'
import { pass, within } from '../../support/wait.js'
import { upgradeTo } from './gate-special.js'

const versions = ['TLSv1.2', 'TLSv1.3'] as const

/** One of the ways in which the server ends a connection. */
interface Way extends Pick<Case, 'options' | 'server' | 'regression'> {
  id: string
  what: string
  rule: string
  before?: (host: Host) => Promise<unknown>
  act: (client: Client, host: Host) => Promise<unknown>
}

const routes: Record<string, Route> = {
  '/unframed': (_req, res) => {
    res.removeHeader('Transfer-Encoding')
    res.write('to the ')
    res.end('very end')
  },
  '/answered-then-destroyed': (req, res) => {
    res.end('goodbye')
    req.destroy()
  },
  '/too-large': (_req, res) => void res.writeHead(413, { Connection: 'close', 'Content-Length': 9 }).end('too large'),
}

/** An answer that says close. */
const asks = (request: string) => async (client: Client) => closes(await client.ask(request))
const status = (request: string, wanted: number) => async (client: Client) => equal((await client.ask(request)).status, wanted)

/** A promise that outlives the test. */
const keepAlive = { timeout: 20_000 }
const server = { keepAliveTimeout: 20_000 }

const ways: Way[] = [
  {
    id: 'close',
    what: 'after an answer to `Connection: close`',
    rule: 'R126',
    regression: true,
    act: asks(get('/a', 'Connection: close')),
  },
  { id: 'http10', what: 'after an answer to HTTP/1.0', rule: 'R126', regression: true, act: asks(get10('/a')) },
  {
    id: 'unframed',
    what: 'after a body that ends with the connection, and is whole',
    rule: 'R130',
    act: async (client) => {
      await asks(get('/unframed'))(client)
      equal(client.last.text, 'to the very end')
    },
  },
  {
    id: 'destroyed',
    what: 'where the handler destroys the request right behind its answer',
    rule: 'R001',
    act: (client) => client.ask(get('/answered-then-destroyed')),
  },
  {
    id: 'max-requests',
    what: 'after the last of `maxRequests`',
    rule: 'R028',
    options: { keepAlive: { maxRequests: 2 } },
    act: async (client) => {
      await client.ask(get('/1'))
      await client.ask(get('/2'))
    },
  },
  {
    id: 'idle',
    what: 'at the end of the hold',
    rule: 'R112',
    options: { keepAlive: { timeout: 1_000 } },
    server: { keepAliveTimeout: 1_000 },
    act: (client) => client.ask(get('/a')),
  },
  {
    id: 'limits-idle',
    what: 'where it is one idle connection too many',
    rule: 'R011',
    options: { keepAlive, limits: { idle: 1 } },
    server,
    act: async (client, host) => {
      await client.ask(get('/a'))
      await host.idleClient()
    },
  },
  {
    id: 'refused',
    what: 'behind the 503 to one connection too many',
    rule: 'R019',
    options: { limits: { connections: 1 } },
    before: (host) => host.idleClient(),
    act: status(get('/a'), 503),
  },
  {
    id: 'close-idle-connections',
    what: 'by closeIdleConnections()',
    rule: 'R065',
    options: { keepAlive },
    server,
    act: async (client, host) => {
      await client.ask(get('/a'))
      await pass(50)
      host.server.closeIdleConnections()
    },
  },
  { id: '400', what: 'after a 400', rule: 'R116', act: status('nonsense\r\n\r\n', 400) },
  { id: '431', what: 'after a 431', rule: 'R116', act: status(get('/a', `X-Long: ${'x'.repeat(20_000)}`), 431) },
  {
    id: '408',
    what: 'after a 408',
    rule: 'R160',
    server: { headersTimeout: 300, requestTimeout: 5_000, connectionsCheckingInterval: 50 },
    act: status('GET /a HTTP/1.1\r\nHost:', 408),
  },
  {
    id: '413',
    what: 'after a 413 in the middle of the upload',
    rule: 'R161',
    regression: true,
    act: status(`${postHead('/too-large', 1_000_000)}the beginning`, 413),
  },
  { id: '501', what: 'after a 501 to a CONNECT that nobody wants', rule: 'R080', act: status(ask('CONNECT', 'a:1'), 501) },
  {
    id: 'drain-promise',
    what: 'in a drain, when the promise of an idle one is over',
    rule: 'R202',
    options: { keepAlive: { timeout: 1_000, hold: 30_000 } },
    server: { keepAliveTimeout: 1_000 },
    act: async (client, host) => {
      await client.ask(get('/a'))
      void host.stop()
    },
  },
  {
    id: 'drain-idle',
    what: 'in a drain with `idle: 0`',
    rule: 'R202',
    options: { keepAlive, drain: { idle: 0 } },
    server,
    act: async (client, host) => {
      await client.ask(get('/a'))
      void host.stop()
    },
  },
  {
    id: 'drain-silent',
    what: 'in a drain, where no byte was ever sent',
    rule: 'R202',
    options: { drain: { silent: 200 } },
    act: async (_client, host) => void host.stop(),
  },
  {
    id: 'drain-busy',
    what: 'in a drain, after the answer in flight',
    rule: 'R203',
    act: async (client, host) => {
      void client.send(get('/held'))
      const { res } = await host.request('/held')
      await host.stopping()
      res.end('done')
      closes(await client.next())
    },
  },
  {
    id: 'drain-upgrade',
    what: 'in a drain, behind the 503 to an upgrade',
    rule: 'R203',
    options: { keepAlive },
    server,
    act: async (client, host) => {
      host.server.on('upgrade', (_req, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
      await client.ask(get('/a'))
      await host.stopping()
      equal((await client.ask(upgradeTo('/chat'))).status, 503)
    },
  },
  {
    id: 'deadline-idle',
    what: 'of an idle one at the deadline of the drain',
    rule: 'R202',
    options: { keepAlive, drain: { deadline: 300 } },
    server,
    act: async (client, host) => {
      await client.ask(get('/a'))
      await within(host.stop(), () => 'stop() to end')
    },
  },
]

const cases = ways.flatMap(({ id, what, rule, before, act, ...more }) =>
  versions.map(
    (version): Case => ({
      id: `conformance/close-notify-${id}-${version === 'TLSv1.2' ? 'tls12' : 'tls13'}`,
      rules: ['R127', 'R197', rule],
      title: `${version}: close_notify, then FIN, ${what}`,
      ...more,
      run: async (host) => {
        await before?.(host)
        const client = await host.connect({ secure: { maxVersion: version } })
        equal(client.secured.getProtocol(), version)
        await act(client, host)
        equal(await client.closed(), 'fin', `${client}`)
        ok(client.closeNotify, `a bare FIN, which could be an attack\n${client}`)
      },
    }),
  ),
)

/** Every close that the server starts is announced in TLS as well (RFC 9112 section 9.8), in both versions of it. */
export const conformanceTlsClosing: Case[] = cases.map((one) => ({ routes, hosts: ['https'], ...one }))
