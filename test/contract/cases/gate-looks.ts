import { deepEqual, equal } from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import type { Case } from '../../support/contract.js'
import { get, pipeline, postHead } from '../../support/requests.js'
import { until, within } from '../../support/wait.js'

const MiB = 1024 * 1024
const UPGRADE = `${get('/chat', 'Connection: Upgrade', 'Upgrade: x')}hello`
const many = (count: number): string => get('/next').repeat(count)
const closing = (res: ServerResponse): Promise<unknown> =>
  within(new Promise((resolve) => res.on('close', resolve)), () => "res 'close'")

/** A client that waits for its first answer, and has sent this behind it, leaves. */
const leaves = (id: string, what: string, behind: string | Buffer, how: 'fin' | 'reset' | 'destroy'): Case => ({
  id: `looks/${id}`,
  rules: ['R094', 'R113'],
  title: `${what} wait behind a quiet handler: that their client has left (${how}) is noticed all the same`,
  options: { halfClosed: 500 },
  run: async (host) => {
    host.server.on('upgrade', (_req, socket) => void socket.destroy())
    const client = await host.connect()
    await client.send(get('/held'))
    const { res } = await host.request('/held')
    void client.send(behind)
    await until('it to arrive', () => (res.socket?.bytesRead ?? 0) > get('/held').length)
    const closed = closing(res)
    client[how]()
    await closed
    await until('the connection gone', async () => (await host.openConnections()) === 0)
    deepEqual(host.paths, ['/held'])
  },
})

const cases: Case[] = [
  leaves('several-fin', 'seventeen requests', many(17), 'fin'),
  leaves('several-reset', 'seventeen requests', many(17), 'reset'),
  leaves('thousands-destroy', 'three thousand requests', many(3_000), 'destroy'),
  leaves('thousands-reset', 'three thousand requests', many(3_000), 'reset'),
  leaves('body-reset', 'a body', postHead('/upload', MiB) + 'x'.repeat(MiB / 8), 'reset'),
  leaves('body-destroy', 'a body', postHead('/upload', MiB) + 'x'.repeat(MiB / 8), 'destroy'),
  leaves('upgrade-fin', 'an upgrade and its first bytes', UPGRADE, 'fin'),
  leaves('upgrade-reset', 'an upgrade and its first bytes', UPGRADE, 'reset'),
  leaves('upgrade-destroy', 'an upgrade and its first bytes', UPGRADE, 'destroy'),
  leaves('upgrade-much-reset', 'an upgrade and a megabyte', UPGRADE + 'x'.repeat(MiB), 'reset'),
  leaves('upgrade-much-destroy', 'an upgrade and a hundred kilobytes', UPGRADE + 'x'.repeat(100_000), 'destroy'),
  leaves('megabyte-reset', 'requests of a megabyte', many(Math.ceil(MiB / get('/next').length)), 'reset'),
  {
    id: 'looks/all-answered',
    slow: true,
    rules: ['R050', 'R018', 'R113'],
    regression: true,
    title: 'thousands of requests, then FIN, all before the first of them is answered: each is answered, in order',
    options: { halfClosed: 5_000 },
    run: async (host) => {
      const client = await host.connect()
      const paths = Array.from({ length: 3_000 }, (_, index) => `/${index}`)
      await client.send(pipeline(get('/held'), ...paths.map((path) => get(path))))
      client.fin()
      const { res } = await host.request('/held')
      res.end('held')
      const texts = (await client.take(3_001, 30_000)).map(({ text }) => text)
      deepEqual(texts, ['held', ...paths])
      equal(await client.closed(), 'fin')
    },
  },
  {
    id: 'looks/body-whole',
    rules: ['R050', 'R084'],
    title: 'a body, and what is behind it, that waited unread arrive whole',
    regression: true,
    run: async (host) => {
      const client = await host.connect()
      const body = Buffer.alloc(MiB, 'x')
      void client.send(pipeline(get('/held'), postHead('/upload', body.length)))
      void client.send(body)
      void client.send(get('/behind'))
      const { res } = await host.request('/held')
      await until('the body waiting', () => (res.socket?.bytesRead ?? 0) > 10_000)
      res.end('held')
      deepEqual(
        (await client.take(3)).map(({ text }) => text),
        ['held', `/upload ${MiB}`, '/behind'],
      )
    },
  },
]

/** A client is still looked at while reading is stopped. */
export const gateLooks: Case[] = cases
