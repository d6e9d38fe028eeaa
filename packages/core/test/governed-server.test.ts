import { createServer, ServerResponse } from 'node:http'
import { connect, createServer as createNetServer, type Server, Socket } from 'node:net'
import { listening, quiet } from '../../../test/support/server.js'
import { attach } from '../src/index.js'
import { isShared } from '../src/node/server-kinds.js'

interface ListenHandle {
  listen(backlog: number): number
}

/** The private handle of a server that listens. */
function handleOf(server: object): ListenHandle {
  const handle: unknown = Reflect.get(server, '_handle')
  if (!isListenHandle(handle)) throw new Error('Node has changed: see src/node/server-fields.ts')
  return handle
}

const isListenHandle = (handle: unknown): handle is ListenHandle =>
  typeof handle === 'object' && handle !== null && 'listen' in handle && typeof handle.listen === 'function'

/** The backlogs that listen() was called with while the server drained. */
async function backlogsOfDrain(server: Server, drain: () => Promise<unknown>): Promise<number[]> {
  const handle = handleOf(server)
  const listen = jest.spyOn(handle, 'listen')
  await drain()
  return listen.mock.calls.map(([backlog]) => backlog)
}

const listened = (server: Server, how: object): Promise<void> =>
  new Promise((resolve) => {
    server.listen(how, resolve)
  })

/** Node's own private count, by its name: events.getMaxListeners() does not know the signals of jest's realm. */
function maxListeners(signal: AbortSignal): unknown {
  const key = Object.getOwnPropertySymbols(signal).find(({ description }) => description === 'events.maxEventTargetListeners')
  return key === undefined ? 'Node has changed' : Reflect.get(signal, key)
}

describe('a listening socket that others may accept from as well', () => {
  test.each([
    [{ fd: 3 }, true],
    [{ fd: 3, exclusive: true }, true],
    [{ _handle: {} }, true],
    [{ port: 0 }, false],
    [{ path: '/tmp/a.sock' }, false],
    [3000, false],
    ['/tmp/a.sock', false],
    [undefined, false],
    [null, false],
  ])('listen(%j): %p', (listening, shared) => {
    expect(isShared(listening)).toBe(shared)
  })

  test('keeps its backlog in a drain: a small one would turn away clients of the other process', async () => {
    const parent = createNetServer()
    await listened(parent, { port: 0, host: '127.0.0.1' })
    const server = createServer()
    const connections = attach(server, { drain: 'fast', logger: quiet })
    await listened(server, parent) // one process cannot poll one descriptor twice: its handle
    expect(await backlogsOfDrain(server, () => connections.drain())).toEqual([])
  })

  test('while one of our own has it shrunk, so that fewer finished handshakes are lost', async () => {
    const server = createServer()
    const connections = attach(server, { drain: 'fast', logger: quiet })
    await listened(server, { port: 0, host: '127.0.0.1' })
    expect(await backlogsOfDrain(server, () => connections.drain())).toEqual([0])
  })
})

test('the signal may have any number of listeners, in every life, and no warning of a leak comes', async () => {
  const server = createServer()
  const connections = attach(server, { drain: 'fast', logger: quiet })
  for (let life = 0; life < 2; life++) {
    await listened(server, { port: 0, host: '127.0.0.1' })
    const { signal } = connections
    expect([maxListeners(signal), signal.aborted]).toEqual([0, false])
    await connections.drain()
    expect(signal.aborted).toBe(true)
  }
})

describe('what the application says of a connection or a response stays', () => {
  /** The whole of the answers until the server closes. */
  const answerTo = (port: number, request: string): Promise<string> =>
    new Promise((resolve, reject) => {
      let text = ''
      const socket = connect(port, '127.0.0.1', () => socket.write(request))
      socket.setEncoding('latin1').on('data', (piece) => {
        text += piece
      })
      socket.on('error', reject).on('end', () => {
        socket.end()
        resolve(text)
      })
    })

  test('a response class may have its own statusMessage and statusCode, be it a getter', async () => {
    class Getter extends ServerResponse {}
    Object.defineProperty(Getter.prototype, 'statusMessage', { get: () => 'Acc' })
    const set: unknown[] = []
    Object.defineProperty(Getter.prototype, 'statusCode', { get: () => 200, set: (code) => set.push(code) })
    const server = createServer({ ServerResponse: Getter }, (_req, res) => res.end('x'))
    const connections = attach(server, { logger: quiet })
    const port = await listening(server)
    expect(await answerTo(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 Acc\r\n/)
    expect(set).toEqual([200]) // by Node, with the head
    await connections.drain()
  })

  test('who has made statusMessage of all responses an accessor sees only what the application and Node set', async () => {
    const plain = Object.getOwnPropertyDescriptor(ServerResponse.prototype, 'statusMessage')
    const set: unknown[] = []
    Object.defineProperty(ServerResponse.prototype, 'statusMessage', {
      configurable: true,
      get: () => undefined,
      set: (message) => set.push(message),
    })
    try {
      const server = createServer((_req, res) => res.end('x'))
      const connections = attach(server, { logger: quiet })
      const port = await listening(server)
      await answerTo(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
      expect(set).toEqual(['OK'])
      await connections.drain()
    } finally {
      if (plain !== undefined) Object.defineProperty(ServerResponse.prototype, 'statusMessage', plain)
    }
  })

  test('TCP keep-alive as a handler sets it is not set again', async () => {
    const { setKeepAlive } = Socket.prototype
    const asked: unknown[] = []
    Socket.prototype.setKeepAlive = function (this: Socket, ...args) {
      asked.push(args)
      return Reflect.apply(setKeepAlive, this, args)
    }
    const server = createServer((req, res) => {
      if (req.url === '/mine') req.socket.setKeepAlive(true, 3_000)
      if (req.url === '/last') res.setHeader('Connection', 'close')
      setImmediate(() => setImmediate(() => res.end('x')))
    })
    const connections = attach(server, { logger: quiet, tcp: { keepAlive: 30_000 } })
    try {
      const port = await listening(server)
      await answerTo(port, 'GET /mine HTTP/1.1\r\nHost: a\r\n\r\nGET /last HTTP/1.1\r\nHost: a\r\n\r\n')
      expect(asked).toEqual([
        [true, 30_000],
        [true, 3_000],
      ])
    } finally {
      Socket.prototype.setKeepAlive = setKeepAlive
      await connections.drain()
    }
  })
})
