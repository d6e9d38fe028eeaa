import { once } from 'node:events'
import { createSecureServer } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer as createNetServer, type Socket } from 'node:net'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, listening, quiet } from '../../../test/support/server.js'
import { until, within } from '../../../test/support/wait.js'
import { Events } from '../src/events/events.js'
import { attach, formatReport } from '../src/index.js'
import { Timers } from '../src/node/timers.js'
import { parseOptions } from '../src/options/parse.js'
import { ConnectionLimits } from '../src/server/connection-limits.js'
import { DescriptorPressure } from '../src/server/descriptor-pressure.js'
import { Handshakes } from '../src/socket/tls-handshakes.js'
import type { Options } from '../src/types.js'

// TLS handshakes that are under way: clients that connect and say nothing.

const opened = endedAfterEach()

describe.each([
  ['https', () => createHttpsServer(credentials, (_req, res) => res.end('ok'))],
  ['https2', () => createSecureServer({ ...credentials, allowHTTP1: true }, (_req, res) => res.end('ok'))],
])('over %s', (_name, make) => {
  async function governed(limits: Options['limits'], options: Options = {}) {
    const server = make()
    const connections = attach(server, { logger: quiet, drain: 'fast', limits, ...options })
    const port = await listening(server)
    opened.after(() => connections.drain())
    /** A TCP connection on which no handshake begins. */
    const tcp = () => {
      const socket = connect({ port, host: '127.0.0.1' }).on('error', () => {})
      opened.after(() => socket.destroy())
      return socket
    }
    const mute = async () => {
      const seen = once(server, 'connection')
      const socket = tcp()
      await within(seen, () => 'the connection at the server')
      return socket
    }
    /** Whether there is room for one more. */
    const hasRoom = async () => {
      const seen = once(server, 'connection').then(() => true)
      return Promise.race([seen, once(tcp().resume(), 'close').then(() => false)])
    }
    const refused = () => within(once(tcp().resume(), 'close'), () => 'the end of the one that is refused')
    const client = () => opened.connect({ port, tls: true })
    return { connections, mute, hasRoom, refused, client }
  }

  test.each<Options['limits']>([
    { connections: 2 },
    { connections: 2, refuse: 'drop' },
    { perClient: 2 },
    { perClient: 2, refuse: 'drop' },
  ])('handshakes that fill the limits have the next one dropped before its own: %j', async (limits) => {
    const { connections, mute, hasRoom, refused } = await governed(limits)
    await mute()
    const second = await mute()
    await refused()
    expect(connections.stats().connections).toEqual({ opened: 0, closed: 0, refused: 1 })
    second.destroy()
    // One that is given up makes room again; it may be seen a moment later.
    await until('room', hasRoom)
  })

  test('a handshake that is finished holds one place, as a connection, and leaves that', async () => {
    const { connections, mute, refused, client } = await governed({ connections: 2 })
    const first = await client()
    expect((await first.ask(get('/'))).status).toBe(200)
    await mute()
    await refused()
    first.fin()
    await until('the first is gone', () => connections.stats().connections.closed === 1)
    const next = await client()
    expect((await next.ask(get('/'))).status).toBe(200)
  })

  test.each([
    ['after `drain.silent`', { silent: 100, deadline: 20_000 }],
    ['at the deadline', { silent: 5_000, deadline: 100 }],
  ])('handshakes that a drain gives up %s are in its report, and are no connections', async (_when, drain) => {
    const { connections, mute } = await governed({}, { drain })
    await mute()
    await mute()
    const report = await within(connections.drain(), () => 'the drain')
    expect(report).toMatchObject({ clean: true, handshakes: 2, connections: { closed: 0 }, heldBy: [], unseen: 0 })
    expect(formatReport(report)).toMatch(/; 0 connections closed; 2 TLS handshakes given up$/)
  })

  test('one that has become a connection is not among them', async () => {
    const { connections, client } = await governed({}, { drain: { silent: 100, idle: 0, deadline: 20_000 } })
    const opened = await client()
    await opened.ask(get('/'))
    const { handshakes, connections: ended } = await within(connections.drain(), () => 'the drain')
    expect({ handshakes, closed: ended.closed }).toEqual({ handshakes: 0, closed: 1 })
  })

  test('where connections fill the limits the one too many is still answered, and so many at once as may linger', async () => {
    const { connections, mute, refused, client } = await governed({ connections: 1 }, { linger: { connections: 2 } })
    const first = await client()
    expect((await first.ask(get('/'))).status).toBe(200)
    const second = await client()
    expect((await second.ask(get('/'))).status).toBe(503)
    await mute()
    await mute()
    await refused()
    expect(connections.stats().connections.refused).toBe(2)
  })
})

/** The TCP side alone, with a bound that no test waits ten seconds for. */
async function bounded(longest: number) {
  const { policy } = parseOptions({ limits: { connections: 10 } }, { keepAliveTimeout: 5_000, maxRequestsPerSocket: 0 })
  const timers = new Timers((error) => {
    throw error
  })
  const handshakes = new Handshakes(
    timers,
    new ConnectionLimits(
      policy,
      { refused: { connections: 0, perClient: 0, descriptors: 0 } },
      new DescriptorPressure(() => [], new Events(undefined)),
    ),
    longest,
  )
  const raws: Socket[] = []
  const server = createNetServer((raw) => {
    raws.push(raw.on('error', () => {}))
    handshakes.begin(raw, () => {})
  })
  const port = await listening(server)
  opened.after(() => new Promise((resolve) => server.close(resolve)))
  const open = async () => {
    const before = raws.length
    const client = connect({ port, host: '127.0.0.1' }).on('error', () => {})
    opened.after(() => client.destroy())
    await until('it is accepted', () => raws.length > before)
    return client
  }
  return { handshakes, open, raws }
}

test('a handshake has its time, and no more', async () => {
  const { handshakes, open } = await bounded(300)
  const began = performance.now()
  const client = await open()
  await within(once(client.resume(), 'close'), () => 'its end')
  expect(performance.now() - began).toBeGreaterThanOrEqual(299)
  await until('none is left', () => handshakes.size === 0)
})

test('one that is finished in time is let be', async () => {
  const { handshakes, open, raws } = await bounded(200)
  await open()
  const [raw] = raws
  if (raw === undefined) throw new Error('none')
  expect(Handshakes.finish(raw)).toBe(true)
  const other = await open()
  await within(once(other.resume(), 'close'), () => 'the end of the other')
  expect({ destroyed: raw.destroyed, size: handshakes.size }).toEqual({ destroyed: false, size: 0 })
})
