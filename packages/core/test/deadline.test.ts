import { createServer } from 'node:http'
import { createServer as createHttp2Server, createSecureServer, type Http2SecureServer, type Http2Server } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { attach, type Connections, type Options } from '@halfclose/core'
import { Client } from '../../../test/support/client.js'
import { FrameClient } from '../../../test/support/h2/client.js'
import { frame, settings, uint32 } from '../../../test/support/h2/frames.js'
import { credentials } from '../../../test/support/hosts/http.js'
import { get, get10, pipeline, postHead } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { until, within } from '../../../test/support/wait.js'
import { isGone } from '../src/node/socket-handle.js'

// What a report says of a drain's deadline is what the clients got: whoever got a whole answer was not cut, and whoever did not was.

const MiB = 1024 * 1024

interface Answering {
  end(body: string | Buffer): unknown
  write(body: string | Buffer): unknown
}

interface Asked {
  url?: string | undefined
  pause(): unknown
  destroy(): unknown
}

/** Does what the path says. */
class Application {
  readonly held: Answering[] = []
  readonly handle = (req: Asked, res: Answering): void => {
    if (req.url === '/big') res.end(Buffer.alloc(48 * MiB))
    else if (req.url === '/destroyed') {
      res.write(Buffer.alloc(24 * MiB))
      res.end(Buffer.alloc(24 * MiB))
      req.destroy()
    } else if (req.url === '/early') res.end('whole')
    else if (req.url === '/paused') {
      req.pause()
      res.end('whole')
    } else if (req.url === '/begun') {
      res.write('begun')
      this.held.push(res)
    } else this.held.push(res)
  }

  async holds(count: number): Promise<void> {
    await until(`${count} requests`, () => this.held.length >= count)
  }

  /** Ends one answer in every turn of the loop, from `ms` on. */
  endOneByOne(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const next = (): void => {
        const res = this.held.shift()
        if (res === undefined) {
          resolve()
          return
        }
        res.end('whole')
        const until = performance.now() + 1
        while (performance.now() < until);
        setImmediate(next)
      }
      setTimeout(next, ms)
    })
  }
}

type AnyServer = Http2Server | Http2SecureServer | ReturnType<typeof createServer>

const servers = {
  http: ({ handle }: Application): AnyServer => createServer(handle),
  https: ({ handle }: Application): AnyServer => createTlsServer(credentials, handle),
  http2: ({ handle }: Application): AnyServer => createHttp2Server(handle),
  https2: ({ handle }: Application): AnyServer => createSecureServer(credentials, handle),
}

interface Governed {
  readonly app: Application
  readonly connections: Connections
  readonly port: number
  readonly tls: boolean
}

async function govern(kind: keyof typeof servers, options: Options): Promise<Governed> {
  const app = new Application()
  const server = servers[kind](app)
  const connections = attach(server, { logger: quiet, ...options })
  const port = await listening(server)
  return { app, connections, port, tls: kind.startsWith('https') }
}

async function drain(connections: Connections) {
  const { clean, requests } = await within(connections.drain(), () => 'the drain', 60_000)
  return { clean, ...requests }
}

const DEADLINE = { drain: { deadline: 200 }, linger: { quiet: 400 } }
const HTTP1 = ['http', 'https'] as const
const HTTP2 = ['http2', 'https2'] as const

test.each(HTTP1)(
  '%s: answers that end in the turns before the deadline are cut or delivered, as the report says',
  async (kind) => {
    const { app, connections, ...to } = await govern(kind, DEADLINE)
    const clients = await Promise.all(Array.from({ length: 60 }, () => Client.open(to)))
    for (const client of clients) void client.send(get('/'))
    await app.holds(clients.length)
    const ended = app.endOneByOne(190)
    const { finished, cut } = await drain(connections)
    await ended
    for (const client of clients) await client.closed()
    const whole = clients.filter(({ answers }) => answers.list.length === 1).length
    expect({ finished, cut }).toEqual({ finished: whole, cut: clients.length - whole })
  },
)

test.each(HTTP2)('%s: so are streams', async (kind) => {
  const { app, connections, ...to } = await govern(kind, DEADLINE)
  const client = await FrameClient.open(to)
  const streams = Array.from({ length: 60 }, () => client.ask('/'))
  await app.holds(streams.length)
  const ended = app.endOneByOne(190)
  const { finished, cut } = await drain(connections)
  await ended
  await client.closed()
  const whole = streams.filter((stream) => client.of(stream).whole).length
  expect({ finished, cut }).toEqual({ finished: whole, cut: streams.length - whole })
})

test.each(HTTP1)('%s: requests that wait behind one that the deadline cuts are cut with it', async (kind) => {
  const { app, connections, ...to } = await govern(kind, DEADLINE)
  const client = await Client.open(to)
  void client.send(pipeline(get('/held'), get('/early'), get('/early')))
  await app.holds(1)
  expect(await drain(connections)).toEqual({ clean: false, finished: 0, rescued: 0, cut: 3 })
  await client.closed()
  expect(client.answers.list).toHaveLength(0)
})

test.each(HTTP1)('%s: requests behind an answer that has said close are not', async (kind) => {
  const { app, connections, ...to } = await govern(kind, DEADLINE)
  const client = await Client.open(to)
  await until('a connection', () => connections.stats().connections.opened === 1)
  const report = drain(connections)
  await until('draining', () => connections.state === 'draining')
  void client.send(pipeline(get('/begun'), get('/early')))
  await app.holds(1)
  expect((await client.head(0)).header('connection')).toBe('close')
  expect(await report).toEqual({ clean: false, finished: 0, rescued: 0, cut: 1 })
  await client.closed()
})

test.each(HTTP1)('%s: an answer that was ended, and that its client does not read, is cut', async (kind) => {
  const { connections, ...to } = await govern(kind, DEADLINE)
  const client = await Client.open(to)
  client.stream.pause()
  client.raw.pause()
  await client.send(get('/big'))
  await until('a request', () => connections.stats().requests.received === 1)
  expect(await drain(connections)).toEqual({ clean: false, finished: 0, rescued: 0, cut: 1 })
  client.stream.resume()
  client.raw.resume()
  await client.closed()
  expect(client.answers.list).toHaveLength(0)
})

test.each(HTTP2)('%s: so is one of a stream whose window is closed', async (kind) => {
  const { connections, ...to } = await govern(kind, DEADLINE)
  const client = await FrameClient.open({ ...to, polite: false })
  const stream = client.ask('/big')
  await until('a request', () => connections.stats().requests.received === 1)
  expect(await drain(connections)).toEqual({ clean: false, finished: 0, rescued: 0, cut: 1 })
  await client.closed()
  expect(client.of(stream).whole).toBe(false)
})

test.each(HTTP2)('%s: so is one of a stream whose client does not read', async (kind) => {
  const { connections, ...to } = await govern(kind, DEADLINE)
  const client = await FrameClient.open({ ...to, settings: [[settings.INITIAL_WINDOW_SIZE, 2 ** 31 - 1]] })
  await client.send(frame('WINDOW_UPDATE', 0, 0, uint32(2 ** 30)))
  client.connection.stream.pause()
  client.connection.raw.pause()
  const stream = client.ask('/big')
  await until('a request', () => connections.stats().requests.received === 1)
  expect(await drain(connections)).toEqual({ clean: false, finished: 0, rescued: 0, cut: 1 })
  client.connection.stream.resume()
  client.connection.raw.resume()
  await client.closed()
  expect(client.of(stream).whole).toBe(false)
})

test.each(HTTP1)('%s: an answer before its body was there is not lost by the deadline', async (kind) => {
  const { connections, ...to } = await govern(kind, DEADLINE)
  const client = await Client.open(to)
  client.stream.pause()
  await client.send(postHead('/early', 512 * MiB))
  const poured = client.pour(Buffer.alloc(MiB / 4), 256 * MiB)
  await until('a request', () => connections.stats().requests.finished === 1)
  const report = drain(connections)
  await until('the deadline', () => connections.stats().open.lingering === 1 || connections.stats().connections.closed === 1)
  client.stream.resume()
  expect((await client.next()).text).toBe('whole')
  client.destroy()
  await poured
  expect(await report).toEqual({ clean: true, finished: 0, rescued: 0, cut: 0 })
})

test.each(
  HTTP2.flatMap(
    (kind) =>
      [
        [kind, '/early'],
        [kind, '/paused'],
      ] as const,
  ),
)(
  // biome-ignore format: a row each
  '%s: a stream that was answered before its body was there is not cut: %s',
  async (kind, path) => {
    const { connections, ...to } = await govern(kind, DEADLINE)
    const client = await FrameClient.open(to)
    const stream = client.ask(path, { method: 'POST', end: false })
    client.data(stream, 'some')
    await until('the answer', () => client.of(stream).whole)
    expect(await drain(connections)).toMatchObject({ clean: true, cut: 0 })
    expect(connections.stats().requests).toMatchObject({ received: 1, finished: 1 })
    await client.closed()
    const resets = client.frames.list.flatMap((frame) => (frame.type === 'RST_STREAM' ? [frame.code] : []))
    expect(resets).toEqual([0])
  },
)

test.each(HTTP1)(
  '%s: an answer that ends with its connection, to a client that does not read, is reset at the deadline, also where its request is destroyed behind it',
  async (kind) => {
    const { connections, ...to } = await govern(kind, DEADLINE)
    const client = await Client.open(to)
    client.stream.pause()
    client.raw.pause()
    await client.send(get10('/destroyed'))
    await until('a request', () => connections.stats().requests.received === 1)
    expect(await drain(connections)).toEqual({ clean: false, finished: 0, rescued: 0, cut: 1 })
    // Asked of the kernel: libuv takes data and a reset that are read in one go for a clean end.
    await until('a reset', () => isGone(client.raw))
  },
)

test.each(HTTP2)('%s: nor is one whose body has come, and is not read', async (kind) => {
  const { connections, ...to } = await govern(kind, DEADLINE)
  const client = await FrameClient.open(to)
  const stream = client.ask('/paused', { method: 'POST', end: false })
  client.data(stream, 'all', true)
  await until('the answer', () => client.of(stream).whole)
  expect(await drain(connections)).toEqual({ clean: true, finished: 1, rescued: 0, cut: 0 })
  await client.closed()
})
