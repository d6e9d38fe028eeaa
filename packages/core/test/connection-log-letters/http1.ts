import { echo, upgradeTo } from '../../../../test/contract/cases/gate-special.js'
import type { Client } from '../../../../test/support/client.js'
import type { Host, Route } from '../../../../test/support/host.js'
import { get, get10, postHead } from '../../../../test/support/requests.js'
import { pass, until } from '../../../../test/support/wait.js'
import type { Way, Ways } from './way.js'

const MiB = 1024 * 1024

export const routes: Record<string, Route> = {
  '/close': (_req, res) => res.setHeader('Connection', 'close').end('bye'),
  '/half': (_req, res) => void res.write('half of it'),
  '/half-then-close': (_req, res) => void res.setHeader('Connection', 'close').write('half of it'),
  '/large': (_req, res) => void res.end(Buffer.alloc(16 * MiB, 'x')),
  '/short': (_req, res) => void res.writeHead(200, { 'Content-Length': 100 }).end('short'),
  '/destroys': (req, res) => void req.once('data', () => res.destroy()),
  '/reads': (req, res) => {
    req.on('error', () => {}).resume()
    res.write('half of it')
  },
  '/unread': (_req, res) => res.end('early'),
}

type HttpWay = Way<Client, Host>
type Act = HttpWay['act']

/** Nothing is promised, but it is kept. */
const UNPROMISED = { keepAlive: { timeout: 0, hold: 60_000 } }
/** The promise is over after a second, but it is kept. */
const PROMISED = { keepAlive: { timeout: 1_000, hold: 60_000 } }
const QUIET = { linger: { quiet: 200 } }
const DEADLINE = { drain: { deadline: 300 } }
const UNWELCOME = { limits: { connections: 1 } }
const IN_HURRY = { headersTimeout: 300, requestTimeout: 300, connectionsCheckingInterval: 50 }

const nothing: Act = () => {}
const ask: Act = (client) => client.ask(get('/a'))
const fin: Act = (client) => client.fin()
const reset: Act = (client) => client.reset()
const stop: Act = (_client, host) => void host.stop()
const relieve: Act = (_client, { connections }) => connections.relieve(1)
const closeIdle: Act = (_client, { server }) => server.closeIdleConnections()
const closeAll: Act = (_client, { server }) => server.closeAllConnections()
/** The promise of a second is over. */
const over: Act = () => pass(1_010)
const silent: Act = (_client, { connections }) => until('it to be seen', () => connections.stats().open.silent === 1)
const send =
  (...what: string[]): Act =>
  (client) =>
    client.send(what.join(''))
const receiving: Act = async (client, { connections }) => {
  await client.send('GET /a HT')
  await until('it to arrive', () => connections.stats().open.busy === 1)
}
const uploading: Act = async (client, host) => {
  await client.send(`${postHead('/held', 100)}x`)
  await host.request('/held')
}
const held: Act = async (client, host) => {
  await client.send(get('/held'))
  await host.request('/held')
}
const half =
  (path: string, request = get(path)): Act =>
  async (client) => {
    await client.send(request)
    await client.head(0)
  }
/** The application destroys a response. */
const destroys =
  (path: string): Act =>
  async (_client, host) =>
    void (await host.request(path)).res.destroy()
const chat: Act = async (client, host) => {
  echo(host, 'upgrade')
  await client.ask(upgradeTo('/chat'))
}
/** Another client, which is one too many. */
const excess =
  (obliging: boolean, what?: string): Act =>
  async (_client, host) => {
    const other = await host.connect({ obliging })
    if (what !== undefined) await other.ask(what)
  }

const one = (...acts: Act[]): HttpWay => ({
  act: async (client, host) => {
    for (const act of acts) await act(client, host)
  },
})

/** Every combination of letters that an HTTP/1 connection can have. */
export const ways: Ways<Client, Host> = {
  '-N--': [one(silent, fin)],
  '-I--': [{ ...one(ask, fin), options: UNPROMISED }],
  '-I-k': [one(ask, fin)],
  'CN--': [one(silent, reset)],
  'CR--': [
    one(receiving, fin),
    { ...one(receiving, reset), failure: 'connection_reset' },
    { ...one(uploading, fin), failure: 'unexpected_end_of_request_content' },
    { ...one(uploading, reset), failure: 'connection_reset' },
  ],
  'CH--': [{ ...one(held, reset), failure: 'connection_reset' }],
  'CD--': [
    one((client) => client.ask(get('/a', 'Connection: close'))),
    { ...one(half('/half'), reset), failure: 'connection_reset' },
    { ...one(half('/half-then-close'), reset), failure: 'connection_reset' },
  ],
  'CI--': [{ ...one(ask, reset), options: UNPROMISED }],
  'CI-k': [one(ask, reset)],
  'CL--': [{ ...one((client) => client.ask(get('/a', 'Connection: close'))), options: QUIET, obliging: false }],
  'CU--': [one(chat, fin)],
  'cN--': [{ ...one(nothing), server: IN_HURRY }],
  'cR--': [
    { ...one(receiving), server: IN_HURRY, failure: 'request_headers_timeout' },
    { ...one(uploading), server: IN_HURRY, failure: 'min_request_body_data_rate' },
    { ...one(uploading), options: { limits: { minRate: 100_000 } }, failure: 'min_request_body_data_rate' },
  ],
  'cH--': [
    { ...one(send(get('/held'))), server: { connectionTimeout: 400 }, failure: 'server_timeout' },
    { ...one(held, fin), options: { halfClosed: 300 }, failure: 'connection_reset' },
  ],
  'cD--': [
    {
      ...one((client) => void client.stream.pause(), send(get('/large'))),
      options: { limits: { stalled: 500 } },
      failure: 'min_response_data_rate',
    },
  ],
  'cI--': [{ ...one(ask), options: { keepAlive: { timeout: 0, hold: 1_000 } } }],
  'cI-k': [{ ...one(ask), options: { keepAlive: { timeout: 1_000 } } }],
  'cL--': [{ ...one(ask), options: { keepAlive: { timeout: 0, hold: 1_000 }, ...QUIET }, obliging: false }],
  'cL-k': [{ ...one(ask), options: { keepAlive: { timeout: 1_000 }, ...QUIET }, obliging: false }],
  'PD--': [
    { ...one(ask), options: { keepAlive: { maxRequests: 1 } } },
    { ...one(ask), options: { keepAlive: false } },
    one((client) => client.ask(get10('/a'))),
  ],
  'PL--': [{ ...one(ask), options: { keepAlive: false, ...QUIET }, obliging: false }],
  'DN--': [{ ...one(silent, stop), options: { drain: { silent: 100 } } }],
  'DD--': [
    one(
      held,
      (_client, host) => host.stopping(),
      async (_client, host) => void (await host.request('/held')).res.end('x'),
    ),
  ],
  'DI--': [{ ...one(ask, stop), options: { ...UNPROMISED, drain: { idle: 0 } } }],
  'DI-k': [{ ...one(ask, stop), options: PROMISED }],
  'DI-B': [{ ...one(ask, stop), options: { drain: { idle: 0 } } }],
  'DL--': [{ ...one(ask, stop), options: { ...UNPROMISED, drain: { idle: 0 }, ...QUIET }, obliging: false }],
  'DL-k': [{ ...one(ask, stop), options: { ...PROMISED, ...QUIET }, obliging: false }],
  'DL-B': [{ ...one(ask, stop), options: { drain: { idle: 0 }, ...QUIET }, obliging: false }],
  'DU--': [{ ...one(chat, stop), options: { drain: { upgraded: 0 } } }],
  'KN--': [{ ...one(silent, stop), options: { drain: { silent: 60_000, deadline: 300 } } }],
  'KR--': [
    { ...one(receiving, stop), options: DEADLINE, failure: 'app_shutdown_timeout' },
    { ...one(uploading, stop), options: DEADLINE, failure: 'app_shutdown_timeout' },
  ],
  'KH--': [{ ...one(held, stop), options: DEADLINE, failure: 'app_shutdown_timeout' }],
  'KD--': [
    { ...one(half('/half'), stop), options: DEADLINE, failure: 'app_shutdown_timeout' },
    { ...one(half('/half-then-close'), stop), options: DEADLINE, failure: 'app_shutdown_timeout' },
    { ...one(half('/half', get10('/half')), stop), options: DEADLINE, failure: 'app_shutdown_timeout' },
  ],
  'KI--': [{ ...one(ask, stop), options: { ...UNPROMISED, ...DEADLINE } }],
  'KI-k': [{ ...one(ask, over, stop), options: { ...PROMISED, ...DEADLINE } }],
  'KI-B': [{ ...one(ask, stop), options: DEADLINE }],
  'KL--': [{ ...one(silent, stop), options: { drain: { silent: 60_000, deadline: 300 }, ...QUIET }, obliging: false }],
  'KL-k': [{ ...one(ask, over, stop), options: { ...PROMISED, ...DEADLINE, ...QUIET }, obliging: false }],
  'KL-B': [{ ...one(ask, stop), options: { ...DEADLINE, ...QUIET }, obliging: false }],
  'KU--': [{ ...one(chat, stop), options: DEADLINE }],
  'AN--': [one(silent, closeAll)],
  'AR--': [{ ...one(send(postHead('/destroys', 100), 'x')), failure: 'aborted_by_app' }],
  'AH--': [
    { ...one(held, destroys('/held')), failure: 'aborted_by_app' },
    { ...one(held, closeAll), failure: 'aborted_by_app' },
    { ...one(held, fin, destroys('/held')), failure: 'aborted_by_app' },
  ],
  'AD--': [
    one((client) => client.ask(get('/close'))),
    { ...one(send(get('/short'))), failure: 'response_content_length_mismatch' },
    { ...one(half('/half'), destroys('/half')), failure: 'aborted_by_app' },
    { ...one(half('/half-then-close'), destroys('/half-then-close')), failure: 'aborted_by_app' },
    { ...one(half('/half', get('/half', 'Connection: close')), destroys('/half')), failure: 'aborted_by_app' },
    { ...one(half('/half'), destroys('/half')), options: { keepAlive: { maxRequests: 1 } }, failure: 'aborted_by_app' },
    { ...one(half('/half', get10('/half')), destroys('/half')), failure: 'aborted_by_app' },
  ],
  'AI--': [{ ...one(ask, closeIdle), options: UNPROMISED }],
  'AI-k': [{ ...one(ask, over, closeIdle), options: PROMISED }],
  'AI-B': [one(ask, closeIdle), one(ask, closeAll)],
  'AL--': [{ ...one((client) => client.ask(get('/close'))), options: QUIET, obliging: false }],
  'AL-k': [{ ...one(ask, over, closeIdle), options: { ...PROMISED, ...QUIET }, obliging: false }],
  'AL-B': [{ ...one(ask, closeIdle), options: QUIET, obliging: false }],
  'AU--': [
    one(
      (_client, { server }) =>
        void server.on('upgrade', (_req, socket) =>
          socket.end('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n'),
        ),
      (client) => client.ask(upgradeTo('/chat')),
    ),
  ],
  'LN--': [{ ...one(excess(true)), options: { ...UNWELCOME, ...QUIET }, failure: 'max_concurrent_connections_exceeded' }],
  'LD--': [{ ...one(excess(true, get('/a'))), options: UNWELCOME, failure: 'max_concurrent_connections_exceeded' }],
  'LI--': [{ ...one(ask, relieve), options: UNPROMISED }],
  'LI-k': [{ ...one(ask, over, relieve), options: PROMISED }],
  'LI-B': [
    one(ask, relieve),
    { ...one(send(postHead('/unread', 10), 'x'), (client) => client.next()), options: { linger: { quiet: 300, total: 500 } } },
  ],
  'LL--': [
    { ...one(excess(false, get('/a'))), options: { ...UNWELCOME, ...QUIET }, failure: 'max_concurrent_connections_exceeded' },
  ],
  'LL-k': [{ ...one(ask, over, relieve), options: { ...PROMISED, ...QUIET }, obliging: false }],
  'LL-B': [{ ...one(ask, relieve), options: QUIET, obliging: false }],
  'ER--': [
    { ...one(send('nonsense\r\n\r\n')), failure: 'invalid_request_line' },
    { ...one(send('GET / HTTP/1.1\r\nHost: a\r\nno colon here\r\n\r\n')), failure: 'invalid_request_headers' },
    { ...one(send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n')), failure: 'invalid_request_headers' },
    {
      ...one(send(`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)),
      failure: 'max_request_headers_total_size_exceeded',
    },
    { ...one(send('POST /held HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n')), failure: 'other_error' },
  ],
  'ED--': [
    {
      ...one(
        half('/reads', 'POST /reads HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n'),
        send('nonsense\r\n'),
      ),
      failure: 'other_error',
    },
  ],
  'EL--': [{ ...one(send('nonsense\r\n\r\n')), options: QUIET, obliging: false, failure: 'invalid_request_line' }],
}
