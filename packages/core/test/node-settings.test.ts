import { createServer } from 'node:http'
import { keeps } from '../../../test/support/expect.js'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, quiet } from '../../../test/support/server.js'
import { attach } from '../src/index.js'

// What a server was set up with, by Node or by the application, before and after it was attached.

const opened = endedAfterEach()

async function start(settings: Record<string, number>) {
  const server = createServer((_req, res) => void res.end('ok'))
  // Node 20 has no such setting, but an application may make it.
  Object.assign(server, settings)
  const connections = attach(server, { drain: 'fast', logger: quiet })
  const client = await opened.connect(await opened.listen(server))
  return { server, connections, client }
}

test('the defaults of Node 27: five seconds are promised, and kept is what the server keeps', async () => {
  const { connections, client } = await start({ keepAliveTimeout: 65_000, keepAliveTimeoutBuffer: 1_000 })
  expect(connections.policy.keepAlive).toMatchObject({ timeout: 5_000, hold: 66_000 })
  keeps(await client.ask(get('/')), 'timeout=5')
})

test('keepAliveTimeoutBuffer counts, and is followed where the application changes it', async () => {
  const { server, connections, client } = await start({ keepAliveTimeout: 2_000, keepAliveTimeoutBuffer: 3_000 })
  expect(connections.policy.keepAlive).toMatchObject({ timeout: 2_000, hold: 5_000 })
  keeps(await client.ask(get('/')), 'timeout=2')
  Reflect.set(server, 'keepAliveTimeoutBuffer', 7_000)
  keeps(await client.ask(get('/')), 'timeout=2')
  expect(connections.policy.keepAlive).toMatchObject({ timeout: 2_000, hold: 9_000 })
  server.keepAliveTimeout = 4_000
  keeps(await client.ask(get('/')), 'timeout=4')
  expect(connections.policy.keepAlive).toMatchObject({ timeout: 4_000, hold: 11_000 })
})

test('an idle connection is kept for the buffer too', async () => {
  const { client } = await start({ keepAliveTimeout: 500, keepAliveTimeoutBuffer: 1_700 })
  await client.ask(get('/'))
  const answered = Date.now()
  expect(await client.closed()).toBe('fin')
  expect(Date.now() - answered).toBeGreaterThan(2_100)
})

test('a buffer that says nothing is none', async () => {
  const { server, connections, client } = await start({ keepAliveTimeout: 2_000, keepAliveTimeoutBuffer: Number.NaN })
  expect(connections.policy.keepAlive).toMatchObject({ timeout: 2_000, hold: 3_000 })
  Reflect.set(server, 'keepAliveTimeoutBuffer', -5)
  await client.ask(get('/'))
  expect(connections.policy.keepAlive).toMatchObject({ timeout: 2_000, hold: 3_000 })
})

test('options that the application changes later change nothing, were they wrong: not for its next server, nor where the policy follows its server', async () => {
  const options = { keepAlive: { timeout: 2_000, parameters: { pod: 'a' } }, drain: { deadline: 300, idle: 0 }, logger: quiet }
  const [server, other] = [createServer((_req, res) => void res.end('ok')), createServer()]
  const connections = attach(server, options)
  const client = await opened.connect(await opened.listen(server))
  Object.assign(options.drain, { deadline: 'soon' })
  Object.assign(options.keepAlive, { timeout: -1, unknown: true })
  Object.assign(options.keepAlive.parameters, { pod: 'b' })
  server.keepAliveTimeout = 9_000
  keeps(await client.ask(get('/')), 'timeout=2, pod=a')
  connections.attach(other)
  expect(connections.policy).toMatchObject({ keepAlive: { timeout: 2_000 }, drain: { deadline: 300 } })
})
