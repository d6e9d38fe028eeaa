import { createServer } from 'node:http'
import { attach } from '@halfclose/core'
import { Client } from '../../../../test/support/client.js'
import { get } from '../../../../test/support/requests.js'
import { listening, quiet } from '../../../../test/support/server.js'
import { pass, within } from '../../../../test/support/wait.js'
import { Timers } from '../../src/node/timers.js'
import type { Options } from '../../src/options/types.js'

// Node takes a timer of more than 2^31 - 1 ms for one of 1 ms, and says so in a warning: everything would be closed at once.

const LONGEST = 2 ** 31 - 1
const warnings: string[] = []
const note = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`)

beforeEach(() => {
  warnings.length = 0
  process.on('warning', note)
})
afterEach(() => {
  process.off('warning', note)
})

test.each([2 ** 31, LONGEST + 0.5, 2 ** 40, Number.POSITIVE_INFINITY])('a timer of %d ms does not fire at once', async (ms) => {
  const timers = new Timers((error) => {
    throw error
  })
  let fired = 0
  const fire = () => {
    fired++
  }
  const bare = timers.arm(ms, fire)
  const ours = [timers.after(ms, fire), timers.deadline(ms, fire), timers.every(ms, fire)]
  await pass(50)
  clearTimeout(bare)
  for (const timer of ours) timer.stop()
  expect({ fired, warnings }).toEqual({ fired: 0, warnings: [] })
})

/** Every duration at its longest. */
const longest: Options = {
  keepAlive: { timeout: LONGEST - 1_000, hold: LONGEST, maxAge: LONGEST },
  halfClosed: LONGEST,
  linger: { total: LONGEST },
  limits: { stalled: LONGEST, idle: 1, connections: 3 },
  tcp: { keepAlive: LONGEST },
  http2: { hold: LONGEST, stalled: LONGEST },
}

test('no duration that an option may have makes a timer fire at once, nor do two of them together', async () => {
  const server = createServer((_req, res) => res.end('ok'))
  // What Node adds to the time for which it keeps a connection.
  Reflect.set(server, 'keepAliveTimeoutBuffer', 5_000)
  const port = await listening(server)
  const connections = attach(server, {
    ...longest,
    logger: quiet,
    drain: { delay: 0, deadline: LONGEST, idle: LONGEST, silent: LONGEST, upgraded: LONGEST },
  })
  const client = await Client.open({ port })
  expect((await client.ask(get('/'))).header('keep-alive')).toBe('timeout=2147482')
  const silent = await Client.open({ port })
  const drained = connections.drain()
  await pass(100)
  expect(connections.stats().open).toMatchObject({ idle: 1 })
  const last = await client.ask(get('/'))
  expect([last.status, last.header('connection')]).toEqual([200, 'close'])
  client.fin()
  await silent.ask(get('/', 'Connection: close'))
  silent.fin()
  expect((await within(drained, () => 'the drain')).requests).toEqual({ finished: 0, rescued: 2, cut: 0 })
  expect(warnings).toEqual([])
})

test('a response on a connection that nobody governs is kept by a timer of Node that does not fire at once', async () => {
  const server = createServer()
  attach(server, { ...longest, logger: quiet, drain: 'fast' })
  const keepsFor = server.keepAliveTimeout + (Number(Reflect.get(server, 'keepAliveTimeoutBuffer')) || 1_000)
  expect(keepsFor).toBeLessThanOrEqual(LONGEST)
})
