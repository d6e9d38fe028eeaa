import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { connect, createServer as createNetServer, type Socket } from 'node:net'
import { Client } from '../../../test/support/client.js'
import { FrameClient } from '../../../test/support/h2/client.js'
import { frame, uint32 } from '../../../test/support/h2/frames.js'
import { get, postHead } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { within } from '../../../test/support/wait.js'
import { where } from '../../../test/support/where.js'
import { attach, type Options } from '../src/index.js'

const KiB = 1_024
const SIZE = 1_500 * KiB
const linux = where(existsSync('/proc/self/net/tcp'), 'only Linux tells what a peer has taken')

/** A link on which the answers come at `rate` bytes/s: what waits for it stays in the server's kernel. */
async function relay(port: number, rate: number): Promise<{ readonly port: number; close(): void }> {
  const open = new Set<Socket>()
  const server = createNetServer({ allowHalfOpen: true }, (client) => {
    const origin = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    for (const side of [client, origin]) open.add(side.on('error', () => {}))
    client.pipe(origin)
    origin.on('data', (chunk: Buffer) => {
      origin.pause()
      client.write(chunk)
      setTimeout(() => origin.resume(), (chunk.length * 1_000) / rate)
    })
    origin.on('end', () => client.end())
    origin.on('close', () => client.end())
  })
  return {
    port: await listening(server),
    close() {
      for (const side of open) side.destroy()
      server.close()
    },
  }
}

/** A server behind a slow link. */
async function behind(
  options: Options,
  handler: RequestListener,
  work: (port: number, closes: string[]) => Promise<void>,
): Promise<void> {
  const server = createServer(handler)
  const connections = attach(server, { drain: 'fast', logger: quiet, ...options })
  const closes: string[] = []
  connections.on('close', ({ reason }) => closes.push(reason))
  const link = await relay(await listening(server), 600_000)
  try {
    await work(link.port, closes)
  } finally {
    link.close()
    await connections.drain()
  }
}

test('a client that has taken nothing of its answer is cut 5 s into a drain', async () => {
  const server = createServer((_req, res) => res.end(Buffer.alloc(64 * KiB * KiB)))
  const connections = attach(server, { drain: { deadline: 16_000 }, logger: quiet })
  const socket = connect({ port: await listening(server), host: '127.0.0.1' }).on('error', () => {})
  // Before it is connected: it never begins to read.
  socket.pause()
  const asked = once(server, 'request')
  socket.write(get('/'))
  await within(asked, () => 'the request')
  const { ms, connections: ended } = await within(connections.drain(), () => 'the report', 40_000)
  expect({ ...ended.byReason }).toEqual({ stalled: 1 })
  expect(ms).toBeGreaterThanOrEqual(5_000)
  socket.destroy()
})

linux.test(
  `linger.quiet and linger.total wait for an answer that a slow link is still taking, be there input or not${linux.note}`,
  async () => {
    const early: RequestListener = (_req, res) => void res.writeHead(413, { Connection: 'close' }).end(Buffer.alloc(SIZE, 'x'))
    await behind({ linger: { quiet: 300, total: 900 } }, early, async (port) => {
      const client = await Client.open({ port, obliging: false })
      await client.send(`${postHead('/upload', 1_000_000)}x`)
      const timer = setInterval(() => void client.send('x'), 100)
      try {
        const { status, length } = await client.next(40_000)
        expect([status, length]).toEqual([413, SIZE])
      } finally {
        clearInterval(timer)
        client.vanish()
      }
    })
  },
)

linux.test(
  `halfClosed: an answer that the kernel has is not lost to a slow link while its end is still to be written${linux.note}`,
  async () => {
    const late: RequestListener = (_req, res) => {
      res.writeHead(200, { 'Content-Length': SIZE + 4 })
      res.write(Buffer.alloc(SIZE, 'x'), () => setTimeout(() => res.end('last'), 1_000))
    }
    await behind({ halfClosed: 600 }, late, async (port, closes) => {
      const client = await Client.open({ port, obliging: false })
      await client.send(get('/'))
      client.fin()
      const { length } = await client.next(40_000)
      expect([length, closes.includes('half-closed')]).toEqual([SIZE + 4, false])
    })
  },
)

linux.test(`over HTTP/2, too: a client that has sent FIN, and one whose session ends${linux.note}`, async () => {
  const server = createHttp2Server((_req, res) => res.end(Buffer.alloc(SIZE, 'x')))
  const connections = attach(server, {
    drain: { deadline: 40_000 },
    halfClosed: 600,
    linger: { quiet: 300, total: 900 },
    logger: quiet,
  })
  const link = await relay(await listening(server), 600_000)
  const wide = { settings: [[4, 0x7fff_ffff]] } as const
  try {
    const clients = await Promise.all([0, 1].map(() => FrameClient.open({ port: link.port, tls: false, ...wide })))
    // One that has sent FIN can open no window any more.
    for (const client of clients) void client.send(frame('WINDOW_UPDATE', 0, 0, uint32(0x7fff_0000)))
    const streams = clients.map((client) => client.ask('/'))
    await within(Promise.all(clients.map((client, i) => client.head(streams[i] ?? 0))), () => 'heads', 20_000)
    clients[0]?.connection.fin()
    void connections.drain()
    const ends = await Promise.all(clients.map((client, i) => client.ended(streams[i] ?? 0, 40_000)))
    expect(ends.map(({ whole }) => whole)).toEqual([true, true])
  } finally {
    link.close()
    await connections.drain()
  }
})
