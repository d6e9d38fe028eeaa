import type { FrameClient } from '../../../../test/support/h2/client.js'
import { frame } from '../../../../test/support/h2/frames.js'
import type { H2Host, Route } from '../../../../test/support/h2/host.js'
import { until } from '../../../../test/support/wait.js'
import type { Way, Ways } from './way.js'

export const routes: Record<string, Route> = {
  '/half': (_req, res) => void res.write('half of it'),
  '/large': (_req, res) => void res.end(Buffer.alloc(256 * 1024, 'x')),
}

type SessionWay = Way<FrameClient, H2Host>
type Act = SessionWay['act']

const DEADLINE = { drain: { deadline: 300 } }

const get: Act = (client) => client.get('/a')
const fin: Act = (client) => client.connection.fin()
const reset: Act = (client) => client.connection.reset()
const stop: Act = (_client, host) => void host.stop()
const silent: Act = async (client, { connections }) => {
  await client.frame('SETTINGS', ({ ack }) => !ack)
  await until('it to be seen', () => connections.stats().open.silent === 1)
}
const held: Act = async (client, host) => {
  client.ask('/held')
  await host.request('/held')
}
const uploading: Act = async (client, host) => {
  client.ask('/held', { method: 'POST', end: false })
  await host.request('/held')
}
const half: Act = async (client) => void (await client.head(client.ask('/half')))
const flood: Act = async (client) => {
  const pings = Buffer.concat(Array.from({ length: 100 }, () => frame('PING', 0, 0, Buffer.alloc(8))))
  for (let i = 0; i < 100 && client.goaways.length === 0 && (await client.send(pings)); i++)
    await new Promise((resolve) => setImmediate(resolve))
}
/** The application ends the session. */
const session =
  (what: 'close' | 'destroy'): Act =>
  (_client, { sessions }) => {
    for (const each of sessions) each[what]()
  }

const one = (...acts: Act[]): SessionWay => ({
  act: async (client, host) => {
    for (const act of acts) await act(client, host)
  },
})

/** Node 20 tells nobody that nghttp2 has ended a session for that. */
const dataOnStream0: SessionWay = {
  ...one(get, (client) => client.send(frame('DATA', 0, 0, Buffer.alloc(8)))),
  failure: 'other_error',
}

/** The combinations of letters that sessions have: they promise nothing. */
export const ways: Ways<FrameClient, H2Host> = {
  '-N--': [one(silent, fin)],
  '-I--': [one(get, fin)],
  'CN--': [one(silent, reset)],
  'CI--': [one(get, reset)],
  'CR--': [{ ...one(get, uploading, reset), failure: 'connection_reset' }],
  'CH--': [{ ...one(get, held, reset), failure: 'connection_reset' }],
  'CD--': [{ ...one(get, half, reset), failure: 'connection_reset' }],
  'cI--': [{ ...one(get), options: { http2: { hold: 300 } } }],
  'cH--': [{ ...one(held, fin), options: { halfClosed: 300 }, failure: 'connection_reset' }],
  'PD--': [{ ...one(get), options: { keepAlive: { maxRequests: 1 } } }],
  'DN--': [{ ...one(silent, stop), options: { drain: { silent: 100 } } }],
  'DI--': [one(get, stop)],
  'DD--': [
    one(
      held,
      (_client, host) => host.stopping(),
      (client) => client.frame('GOAWAY'),
      async (_client, host) => void (await host.request('/held')).res.end('x'),
    ),
  ],
  'KR--': [{ ...one(uploading, stop), options: DEADLINE, failure: 'app_shutdown_timeout' }],
  'KH--': [{ ...one(held, stop), options: DEADLINE, failure: 'app_shutdown_timeout' }],
  'KD--': [{ ...one(half, stop), options: DEADLINE, failure: 'app_shutdown_timeout' }],
  'AI--': [one(get, session('close'))],
  'AH--': [{ ...one(held, session('destroy')), failure: 'aborted_by_app' }],
  'LI--': [one(get, (_client, { connections }) => connections.relieve(1))],
  'EN--': [{ ...one(flood), options: { http2: { control: 100 } }, failure: 'stream_reset_limit_exceeded' }],
  'EI--': [{ ...one(get, flood), options: { http2: { control: 100 } }, failure: 'stream_reset_limit_exceeded' }],
  'EL--': Number.parseInt(process.versions.node, 10) < 22 ? [] : [dataOnStream0],
}
