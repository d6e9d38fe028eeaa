import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { Unacknowledged } from '../src/socket/unacknowledged-bytes.js'

const MiB = 1024 * 1024
const test_ = existsSync('/proc/self/net/tcp') ? test : test.skip

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
  test_.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::', '127.0.0.1'],
    ['::1', '::1'],
  ])('a server on %s, a client of %s: all of what the kernel has, until the client reads', async (listen, host) => {
    await pair(listen, host, 10_000, async (socket, client) => {
      const look = () => new Unacknowledged().of({ socket, raw: undefined })
      await settled(look, (bytes) => bytes === 10_000)
      client.resume()
      await settled(look, (bytes) => bytes === 0)
    })
  })

  test_('more than the buffers of both hold is told by what our kernel took', async () => {
    await pair('127.0.0.1', '127.0.0.1', 64 * MiB, async (socket) => {
      const ends = { socket, raw: undefined }
      await settled(
        () => new Unacknowledged().takenBy(ends).peer,
        (bytes) => bytes === 0,
      )
      expect(new Unacknowledged().takenBy(ends).kernel).toBeGreaterThan(0)
    })
  })

  test('without the kernel’s lists nobody can tell', async () => {
    await pair('127.0.0.1', '127.0.0.1', 10, (socket) => {
      expect(new Unacknowledged([]).of({ socket, raw: undefined })).toBeUndefined()
      expect(new Unacknowledged(['/nowhere']).takenBy({ socket, raw: undefined }).peer).toBeUndefined()
    })
  })

  test('of a socket that is closed nobody can tell', async () => {
    await pair('127.0.0.1', '127.0.0.1', 10, async (socket) => {
      socket.destroy()
      await once(socket, 'close')
      expect(new Unacknowledged().of({ socket, raw: undefined })).toBeUndefined()
    })
  })
})
