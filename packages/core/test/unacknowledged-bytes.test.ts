import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { type AddressInfo, connect, createServer, Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { until } from '../../../test/support/wait.js'
import { where } from '../../../test/support/where.js'
import { UnacknowledgedBytes } from '../src/socket/unacknowledged-bytes.js'

const MiB = 1024 * 1024
const linux = where(existsSync('/proc/self/net/tcp'), 'only Linux tells what a peer has taken')

/** The server's socket, with so much written to it, and a client that has read nothing. */
async function pair(listen: string, host: string, bytes: number, work: (socket: Socket, client: Socket) => Promise<void> | void) {
  const server = createServer()
  server.listen(0, listen)
  await once(server, 'listening')
  const accepted: Promise<Socket[]> = once(server, 'connection')
  const client = connect((server.address() as AddressInfo).port, host)
  client.pause()
  const [socket] = await accepted
  try {
    if (socket === undefined) throw new Error('no socket')
    if (bytes > 0) socket.write(Buffer.alloc(bytes))
    await work(socket, client)
  } finally {
    client.destroy()
    socket?.destroy()
    server.close()
  }
}

/** Until the kernels have passed on what they can. */
async function settled(look: () => number | undefined, want: (bytes: number | undefined) => boolean): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    if (want(look())) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error(`it is ${look()}`)
}

describe('what a peer has not taken', () => {
  linux.test.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::', '127.0.0.1'],
    ['::1', '::1'],
  ])(`a server on %s, a client of %s: all of what the kernel has, until the client reads${linux.note}`, async (listen, host) => {
    await pair(listen, host, 10_000, async (socket, client) => {
      const look = () => new UnacknowledgedBytes().of({ socket, raw: undefined })
      await settled(look, (bytes) => bytes === 10_000)
      client.resume()
      await settled(look, (bytes) => bytes === 0)
    })
  })

  linux.test(`more than the buffers of both hold is told by what our kernel took${linux.note}`, async () => {
    await pair('127.0.0.1', '127.0.0.1', 64 * MiB, async (socket) => {
      const ends = { socket, raw: undefined }
      await settled(
        () => new UnacknowledgedBytes().takenBy(ends).peer,
        (bytes) => bytes === 0,
      )
      expect(new UnacknowledgedBytes().takenBy(ends).kernel).toBeGreaterThan(0)
    })
  })

  test('without the kernel’s lists nobody can tell', async () => {
    await pair('127.0.0.1', '127.0.0.1', 10, (socket) => {
      expect(new UnacknowledgedBytes(() => []).of({ socket, raw: undefined })).toBeUndefined()
      expect(
        new UnacknowledgedBytes(() => [Buffer.from('nothing\nof the kind')]).takenBy({ socket, raw: undefined }).peer,
      ).toBeUndefined()
    })
  })

  test('of a socket that is closed nobody can tell', async () => {
    await pair('127.0.0.1', '127.0.0.1', 10, async (socket) => {
      socket.destroy()
      await once(socket, 'close')
      expect(new UnacknowledgedBytes().of({ socket, raw: undefined })).toBeUndefined()
    })
  })

  /** The lists, and how often they were read. */
  function counted() {
    const counts = { reads: 0 }
    const unacknowledged = new UnacknowledgedBytes(() => {
      counts.reads++
      return [readFileSync('/proc/self/net/tcp')]
    })
    return { counts, unacknowledged }
  }

  linux.test(`a thousand connections that are asked about at once cost one look at the lists${linux.note}`, async () => {
    await pair('127.0.0.1', '127.0.0.1', 10_000, async (socket) => {
      const { counts, unacknowledged } = counted()
      const began = performance.now()
      for (let asked = 0; asked < 1_000; asked++) expect(unacknowledged.of({ socket, raw: undefined })).toBeDefined()
      expect(counts.reads).toBeLessThanOrEqual(1 + (performance.now() - began) / 100)
    })
  })

  linux.test(`a connection that is younger than the lists that were read is found${linux.note}`, async () => {
    const { unacknowledged } = counted()
    await pair('127.0.0.1', '127.0.0.1', 0, async (older) => {
      expect(unacknowledged.of({ socket: older, raw: undefined })).toBe(0)
      await pair('127.0.0.1', '127.0.0.1', 10_000, async (socket) => {
        await settled(
          () => unacknowledged.of({ socket, raw: undefined }),
          (bytes) => bytes === 10_000,
        )
      })
    })
  })

  linux.test(`lists that take long to read are read for a fiftieth of the time at most${linux.note}`, async () => {
    await pair('127.0.0.1', '127.0.0.1', 10_000, async (socket) => {
      let reads = 0
      const unacknowledged = new UnacknowledgedBytes(() => {
        reads++
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
        return [readFileSync('/proc/self/net/tcp')]
      })
      const began = performance.now()
      while (performance.now() - began < 500) {
        unacknowledged.of({ socket, raw: undefined })
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      expect(reads).toBe(1)
    })
  })

  linux.test(
    `but before a client is cut they are read anew: older lists know nothing of what it has taken since${linux.note}`,
    async () => {
      await pair('127.0.0.1', '127.0.0.1', 10_000, async (socket, client) => {
        const ends = { socket, raw: undefined }
        const unacknowledged = new UnacknowledgedBytes(() => {
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)
          return [readFileSync('/proc/self/net/tcp')]
        })
        await settled(
          () => unacknowledged.ofNow(ends),
          (bytes) => bytes === 10_000,
        )
        client.resume()
        await settled(
          () => new UnacknowledgedBytes().of(ends),
          (bytes) => bytes === 0,
        )
        expect(unacknowledged.ofNow(ends)).toBe(0)
      })
    },
  )

  linux.test(
    `before many connections are asked about, the lists are read a piece in each turn of the loop, and then suffice${linux.note}`,
    async () => {
      const server = createServer().listen(0, '127.0.0.1')
      await once(server, 'listening')
      const sockets: Socket[] = []
      server.on('connection', (socket) => sockets.push(socket))
      const { port } = server.address() as AddressInfo
      // Both ends stand in the list, with 150 bytes each: four pieces and more.
      const clients = Array.from({ length: 1_000 }, () => connect(port, '127.0.0.1').pause())
      await until('all are connected', () => sockets.length === clients.length)
      for (const [at, socket] of sockets.entries()) socket.write(Buffer.alloc(1 + at))
      const last = { socket: sockets.at(-1) ?? new Socket(), raw: undefined }
      await settled(
        () => new UnacknowledgedBytes().of(last),
        (bytes) => bytes === sockets.length,
      )
      const { counts, unacknowledged } = counted()
      let turns = 0
      let isDone = false
      unacknowledged.prepare(last, () => {
        isDone = true
      })
      while (!isDone) {
        await new Promise((resolve) => setImmediate(resolve))
        turns++
      }
      expect(turns).toBeGreaterThan(4)
      expect(sockets.map((socket) => unacknowledged.of({ socket, raw: undefined }))).toEqual(sockets.map((_, at) => 1 + at))
      expect(counts.reads).toBe(0)
      for (const socket of [...clients, ...sockets]) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  )

  test('of a unix domain socket the lists are not even read', async () => {
    const path = join(tmpdir(), `halfclose-${process.pid}.sock`)
    const server = createServer().listen(path)
    await once(server, 'listening')
    const accepted: Promise<Socket[]> = once(server, 'connection')
    const client = connect(path)
    const [socket] = await accepted
    const { counts, unacknowledged } = counted()
    if (socket === undefined) throw new Error('no socket')
    expect(unacknowledged.of({ socket, raw: undefined })).toBeUndefined()
    expect(counts.reads).toBe(0)
    let isDone = false
    unacknowledged.prepare({ socket, raw: undefined }, () => {
      isDone = true
    })
    expect(isDone).toBe(true)
    client.destroy()
    socket.destroy()
    server.close()
  })
})
