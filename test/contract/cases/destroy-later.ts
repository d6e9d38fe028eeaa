import { equal, ok } from 'node:assert/strict'
import type { Socket } from 'node:net'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import type { Host, Route } from '../../support/host.js'
import { get, postHead } from '../../support/requests.js'
import { deferred, pass, until, within } from '../../support/wait.js'

const MiB = 1024 * 1024
const ignore = (): void => {}

/** The TCP sockets of a server that speaks TLS, as its 'connection' event has them. */
const raws = new WeakMap<Host, Socket[]>()

const resets: Route = (req, _res, host) => {
  if (!host.tls) return void req.socket.resetAndDestroy()
  for (const raw of raws.get(host) ?? []) raw.resetAndDestroy()
}

const ways: Record<string, Route> = {
  '/req': (req) => void req.destroy(),
  '/req-error': (req) => void req.destroy(new Error('broken off')),
  '/res': (_req, res) => void res.destroy(),
  '/socket': (req) => void req.socket.destroy(),
  '/soon': (req) => void req.socket.destroySoon(),
  '/reset': resets,
}

/** When the application heard of its own end, in milliseconds. */
interface Heard {
  readonly closed: Promise<unknown>
  bytes: number
}
const heard = new WeakMap<Host, Heard>()

const routes: Record<string, Route> = Object.fromEntries(
  Object.entries(ways).map(([path, way]): [string, Route] => [
    path,
    (req, res, host) => {
      req.on('error', ignore)
      res.on('error', ignore)
      const { socket } = req
      const response = deferred<void>()
      const request = deferred<void>()
      res.on('close', () => response.resolve())
      req.on('close', () => request.resolve())
      const before = socket.bytesRead
      const it = { closed: Promise.all([response.promise, request.promise]), bytes: 0 }
      socket.on('close', () => {
        it.bytes = socket.bytesRead - before
      })
      heard.set(host, it)
      const act = () => {
        way(req, res, host)
      }
      if (host.paths.includes('/at-once')) act()
      else req.once('data', act)
    },
  ]),
)

const watchRaw = (host: Host): void => {
  const sockets: Socket[] = []
  raws.set(host, sockets)
  host.server.on('connection', (socket: Socket) => sockets.push(socket))
}

/** Not as fast as it can: what is read to a bound would be read in no time. */
const drip = async (client: Client): Promise<void> => {
  const chunk = Buffer.alloc(64 * 1024)
  while (!client.gone && client.ending !== 'reset') {
    await Promise.race([client.send(chunk), pass(200)])
    await pass(4)
  }
}

/** Uploads until the server ends it, and sees that the application heard of it, and that little of it was read. */
const brokenOff = async (host: Host, client: Client, path: string): Promise<void> => {
  void client.send(postHead(path, 1_000 * MiB))
  const poured = drip(client)
  const { path: seen } = await host.request(path)
  equal(seen, path)
  const it = heard.get(host)
  ok(it !== undefined)
  await within(it.closed, () => "'close' of request and response", 1_900)
  await until('the connection gone', async () => (await host.openConnections()) === 0)
  ok(it.bytes < 16 * MiB, `${it.bytes} bytes were read of what was broken off`)
  await poured
}

const cases: Case[] = Object.keys(ways).flatMap((path): Case[] => [
  {
    id: `destroy-later${path}`,
    rules: ['R089', 'R114'],
    title: `breaking off amid an upload (${path.slice(1)}) is as quick on a later request as on the first`,
    alone: true,
    regression: true,
    run: async (host) => {
      watchRaw(host)
      const client = await host.idleClient({ obliging: false })
      await client.ask(get('/again'))
      await pass(400)
      await brokenOff(host, client, path)
      equal(client.statuses, '200 200')
      if (path === '/reset') equal(await client.closed(), 'reset')
    },
  },
  {
    id: `destroy-later${path}-behind`,
    rules: ['R089', 'R114', 'R018'],
    title: `breaking off (${path.slice(1)}) right behind another answer takes that along only where it is a reset, and is nearly as quick`,
    alone: true,
    regression: true,
    races: true,
    run: async (host) => {
      watchRaw(host)
      const client = await host.connect({ obliging: false })
      void client.send(get('/at-once') + postHead(path, 1_000 * MiB))
      await brokenOff(host, client, path)
      if (path !== '/reset') equal(client.statuses, '200')
    },
  },
])

/** From the second request on, breaking off is what it is on the first. */
export const destroyLater: Case[] = cases.map((one) => ({ routes, ...one }))
