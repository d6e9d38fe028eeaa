import { equal, ok } from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { Writable } from 'node:stream'
import type { Client } from '../../support/client.js'
import type { Case } from '../../support/contract.js'
import { closes, keeps } from '../../support/expect.js'
import type { Route } from '../../support/host.js'
import { get, postHead } from '../../support/requests.js'
import { pass, until } from '../../support/wait.js'

const MiB = 1024 * 1024

/** The rest of a body whose request is answered takes most of the promise to arrive; the next request follows within a promise of its end. */
async function nextBehindBody(client: Client): Promise<void> {
  for (let piece = 0; piece < 3; piece++) {
    await pass(600)
    await client.send(Buffer.alloc(100))
  }
  await pass(800)
  equal((await client.ask(get('/next'))).text, '/next')
}

/** Takes what fits into its buffer, and no more. */
const stuck = (): Writable => new Writable({ write: () => {} })

/** Ways to let go of a body. */
const lettingGo: Record<string, (req: IncomingMessage) => unknown> = {
  paused: (req) => req.pause(),
  piped: (req) => req.pipe(stuck()),
  unpiped: (req) => {
    const to = stuck()
    req.pipe(to)
    req.unpipe(to)
  },
  'paused-at-every-piece': (req) => {
    req.pause()
    req.on('data', () => req.pause())
  },
  readable: (req) => req.on('readable', () => {}),
}

const received = new Map<string, number>()

const routes: Record<string, Route> = {
  '/early': (_req, res) => void res.writeHead(413, { 'Content-Length': 0 }).end(),
  '/reads-on': (req, res, host) => {
    let bytes = 0
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    req.on('end', () => received.set(`${host.name} ${host.mode}`, bytes))
    res.end('early')
  },
  ...Object.fromEntries(
    Object.entries(lettingGo).map(([way, letGo]): [string, Route] => [
      `/${way}`,
      (req, res) => {
        req.once('data', () => {
          letGo(req)
          setTimeout(() => res.writeHead(422).end('let go'), 50)
        })
      },
    ]),
  ),
}

const dripUntilEnd = async (client: Client): Promise<void> => {
  while (client.ending === undefined && !client.gone) {
    await client.send(Buffer.alloc(100))
    await pass(20)
  }
}

const cases: Case[] = [
  {
    id: 'unread/endless',
    rules: ['R115', 'R116'],
    title: 'a body that nobody reads ends the connection, output first, beyond linger.bytes, though its answer did not say close',
    alone: true,
    options: { linger: { bytes: 4 * MiB, quiet: 500 } },
    run: async (host) => {
      const client = await host.connect({ obliging: false })
      await client.send(postHead('/early', 4_000 * MiB))
      const answer = await client.next()
      equal(answer.status, 413)
      keeps(answer)
      const { taken, end } = await client.pour(Buffer.alloc(MiB / 4), 1_000 * MiB)
      equal(end, 'gone', `${taken} bytes were taken`)
    },
  },
  {
    id: 'unread/for-ever',
    rules: ['R115', 'R116'],
    title: 'a body that nobody reads ends the connection, output first, beyond linger.total',
    options: { linger: { total: 700, quiet: 500 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(postHead('/early', 4_000 * MiB))
      equal((await client.next()).status, 413)
      const dripped = dripUntilEnd(client)
      equal(await client.closed(), 'fin')
      await dripped
    },
  },
  {
    id: 'unread/reads-on',
    rules: ['R115', 'R050'],
    title: 'a handler that answers early and reads on gets the body to its end, whatever its size',
    regression: true,
    alone: true,
    options: { linger: { bytes: MiB, total: 200, quiet: 100 } },
    run: async (host) => {
      const client = await host.connect()
      const size = 24 * MiB
      await client.send(postHead('/reads-on', size))
      equal((await client.next()).text, 'early')
      for (let sent = 0; sent < size; sent += MiB) {
        ok(await client.send(Buffer.alloc(MiB)))
        await pass(20)
      }
      equal((await client.ask(get('/next'))).text, '/next')
      equal(received.get(`${host.name} ${host.mode}`), size)
    },
  },
  ...Object.keys(lettingGo).map(
    (way): Case => ({
      id: `unread/${way}-then-next`,
      rules: ['R115', 'R050'],
      title: `a body that its handler has let go (${way}) is read away, and the next request is answered`,
      options: { linger: { quiet: 400 } },
      run: async (host) => {
        const client = await host.connect()
        void client.send(postHead(`/${way}`, 3 * MiB))
        void client.send(Buffer.alloc(3 * MiB))
        void client.send(get('/next'))
        equal((await client.next()).status, 422)
        equal((await client.next()).text, '/next')
      },
    }),
  ),
  {
    id: 'unread/promise',
    rules: ['R056', 'R187'],
    title: 'the promise of an answer that came before the body begins when the body has arrived',
    regression: true,
    server: { keepAliveTimeout: 1_000 },
    options: { keepAlive: { timeout: 1_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(postHead('/early', 300))
      equal((await client.next()).status, 413)
      await nextBehindBody(client)
    },
  },
  {
    id: 'unread/promise-in-a-drain',
    rules: ['R056', 'R187', 'R204'],
    title: 'so it does in a drain: the request that follows within it is answered',
    server: { keepAliveTimeout: 1_000 },
    options: { keepAlive: { timeout: 1_000 }, drain: { delay: 0, deadline: 60_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(postHead('/early', 300))
      equal((await client.next()).status, 413)
      void host.stop()
      await nextBehindBody(client)
      closes(client.last)
    },
  },
  {
    id: 'unread/client-leaves',
    rules: ['R113', 'R192'],
    title: 'a client that leaves a body which its handler has let go is let go, too',
    regression: true,
    options: { linger: { quiet: 400 }, keepAlive: { timeout: 5_000, hold: 60_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(postHead('/paused', 3 * MiB))
      void client.send(Buffer.alloc(MiB))
      equal((await client.next()).status, 422)
      client.destroy()
      await until('the connection gone', async () => (await host.openConnections()) === 0)
    },
  },
  {
    id: 'unread/client-resets',
    rules: ['R113', 'R192'],
    title: 'a client that resets the connection amid a body which its handler has let go is let go at once',
    regression: true,
    options: { linger: { quiet: 20_000 }, keepAlive: { timeout: 5_000, hold: 60_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(postHead('/paused', 3 * MiB))
      void client.send(Buffer.alloc(MiB))
      equal((await client.next()).status, 422)
      client.reset()
      await until('the connection gone', async () => (await host.openConnections()) === 0)
    },
  },
  {
    id: 'unread/drain',
    rules: ['R115'],
    title: 'a drain does not wait to its deadline for the rest of a body whose request is answered',
    options: { linger: { quiet: 400 }, drain: { delay: 0, deadline: 60_000 } },
    run: async (host) => {
      const client = await host.connect()
      await client.send(postHead('/paused', 3 * MiB))
      void client.send(Buffer.alloc(MiB))
      equal((await client.next()).status, 422)
      const { clean } = await host.report()
      ok(clean)
      equal(client.statuses, '422')
    },
  },
]

/** What is left of a body whose request was answered is bounded, and stands in nobody's way. */
export const unread: Case[] = cases.map((one) => ({ routes, ...one }))
