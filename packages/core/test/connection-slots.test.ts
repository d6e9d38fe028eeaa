import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { Client } from '../../../test/support/client.js'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, listening, quiet } from '../../../test/support/server.js'
import { deferred, until, within } from '../../../test/support/wait.js'
import { govern } from '../src/adapter/index.js'
import { attach } from '../src/index.js'
import { clientKeyOf } from '../src/server/per-client-key.js'
import type { Options } from '../src/types.js'

// Who holds a place within `limits.connections` and `limits.perClient`, and whose it is.

test.each([
  ['192.0.2.1', '192.0.2.1'],
  ['::ffff:192.0.2.1', '192.0.2.1'],
  ['::FFFF:c000:0201', '192.0.2.1'],
  ['0:0:0:0:0:ffff:192.0.2.1', '192.0.2.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::1', '2001:db8:1:2::/64'],
  ['2001:DB8:0001:2::', '2001:db8:1:2::/64'],
  ['2001:db8::1', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::192.0.2.1', '0:0:0:0::/64'],
  ['no address', 'no address'],
])('%s is the client %s', (address, client) => {
  expect(clientKeyOf(address)).toBe(client)
})

const opened = endedAfterEach()

async function governed(make: (listener: RequestListener) => ReturnType<typeof createServer>, options: Options, host: string) {
  const server = make((_req, res) => res.end('ok'))
  const connections = attach(server, { logger: quiet, drain: 'fast', ...options })
  const port = await listening(server, host)
  opened.after(() => connections.drain())
  return port
}

describe.each([
  ['http', (listener: RequestListener) => createServer(listener), false],
  ['https', (listener: RequestListener) => createHttpsServer(credentials, listener), true],
])('over %s', (_name, make, tls) => {
  test.each<Options['limits']>([{ connections: 1 }, { perClient: 1 }, { connections: 1, refuse: 'drop' }])(
    'one that lingers has left the limits: %j',
    async (limits) => {
      const port = await governed(make, { limits, linger: { quiet: 20_000 } }, '127.0.0.1')
      for (let n = 0; n < 3; n++) {
        const client = await opened.connect({ port, tls })
        // It has the server's FIN, and sends none of its own.
        expect((await client.ask(get('/', 'Connection: close'))).status).toBe(200)
        expect(await client.closed()).toBe('fin')
      }
      const last = await opened.connect({ port, tls })
      expect((await last.ask(get('/'))).status).toBe(200)
      const excess = await Client.open({ port, tls }).catch(() => undefined)
      if (limits?.refuse === 'drop') return excess?.destroy()
      if (excess === undefined) throw new Error('it was not let in')
      opened.after(() => excess.destroy())
      expect((await excess.ask(get('/'))).status).toBe(503)
    },
  )
})

test('one connection too many that leaves before its answer is no request that was aborted: it was none that was received', async () => {
  const asked = deferred<void>()
  const says = deferred<boolean>()
  const check = () => {
    asked.resolve()
    return says.promise
  }
  const server = createServer((_req, res) => res.end('ok'))
  const app = { name: 'places', handler: () => {}, alsoKnown: [], already: 'governed twice', closing: 'nothing' }
  const options = { limits: { connections: 1 }, drain: 'fast' as const, logger: quiet }
  const { connections } = govern(app, { ...options, readiness: { path: '/ready', check } })
  connections.attach(server)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  opened.after(() => connections.drain())
  const { port } = Object(server.address())
  const kept = await opened.connect(port)
  await kept.ask(get('/'))
  const excess = await Client.open({ port })
  void excess.send(get('/ready'))
  await within(asked.promise, () => 'the check to be asked')
  excess.reset()
  await until('it is gone', () => connections.stats().connections.closed === 1)
  says.resolve(true)
  expect(connections.stats().requests).toMatchObject({ received: 1, finished: 1, cut: 0, aborted: 0 })
})
