import { once } from 'node:events'
import { fstatSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server, createSecureServer } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, connect, createServer as createNetServer, Server as NetServer, Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect as connectTls, createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { credentials } from '../../../test/support/hosts/http.js'
import { until } from '../../../test/support/wait.js'
import { announceClose } from '../src/http1/connection-header.js'
import { filePipeOf } from '../src/node/file-pipe.js'
import {
  endsItsRead,
  hasBegun,
  incompleteMessages,
  isParsedElsewhere,
  knowsMessages,
  mayHoldMore,
  parsedSockets,
  readRaw,
} from '../src/node/parser.js'
import {
  bodyLength,
  hasBody,
  isLast,
  makeLast,
  openResponse,
  removedConnection,
  setPrintedKeepAlive,
  watchPieces,
} from '../src/node/response-fields.js'
import { acceptedBy, openServers, pauseNewConnections, settingsOf, shrinkBacklog } from '../src/node/server-fields.js'
import {
  belowTls,
  bytesQueued,
  bytesTaken,
  canReset,
  descriptorOf,
  isGone,
  isResetting,
  rawBelowTls,
  streamDescriptor,
  writeBeside,
} from '../src/node/socket-handle.js'

// Canaries: each private field of Node that the core touches does what it did on the versions it was written for. Where one fails,
// Node has changed it, and src/node is the only place to look: response-fields.ts, parser.ts, socket-handle.ts, server-fields.ts.

type Handler = (req: IncomingMessage, res: ServerResponse) => void

/** What a bare server with this handler sends to one request, until it closes or the answer is whole. */
async function exchange(handler: Handler, request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', after = ''): Promise<string> {
  const server = createServer(handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const text = await answer(server, request, after)
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  return text
}

function answer(server: Server, request: string, after: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const { port } = portOf(server)
    const socket = connect(port, '127.0.0.1', () => socket.write(request))
    let text = ''
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(text)
    }
    const timer = setTimeout(() => reject(new Error(`no end: ${text}`)), 5_000)
    socket.on('data', (chunk) => {
      text += chunk
      if (after !== '' && text.includes(after)) done()
    })
    socket.on('end', done)
    socket.on('error', reject)
  })
}

function portOf(server: NetServer): AddressInfo {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address
}

describe('private fields of Node', () => {
  test('_keepAliveTimeout and _maxRequestsPerSocket are what Node prints as timeout= and max=', async () => {
    const text = await exchange(
      (_req, res) => {
        setPrintedKeepAlive(res, 3_000, 7)
        res.writeHead(200, { 'Content-Length': 2 }).end('ok')
      },
      undefined,
      'ok',
    )
    expect(text).toContain('Connection: keep-alive\r\nKeep-Alive: timeout=3, max=7\r\n')
  })

  test('_keepAliveTimeout of 0 prints no Keep-Alive field', async () => {
    const text = await exchange(
      (_req, res) => {
        setPrintedKeepAlive(res, 0, 0)
        res.end('ok')
      },
      undefined,
      'ok',
    )
    expect(text).toContain('Connection: keep-alive\r\n')
    expect(text).not.toContain('Keep-Alive:')
  })

  test('_last tells that Node will close, and makes it close', async () => {
    let before = true
    let unframed = false
    const text = await exchange((_req, res) => {
      before = isLast(res)
      res.removeHeader('Transfer-Encoding')
      res.write('x')
      unframed = isLast(res)
      res.end()
    })
    expect([before, unframed]).toEqual([false, true])
    expect(text).toContain('keep-alive')
    const closed = await exchange((_req, res) => {
      res.writeHead(200, { 'Content-Length': 2 })
      makeLast(res)
      res.end('ok')
    })
    expect(closed.endsWith('ok')).toBe(true)
  })

  test('_header is the head that will be sent, and can be put right before', async () => {
    const text = await exchange((_req, res) => {
      res.writeHead(200, { 'Content-Length': 2, 'X-Connection': 'stays' })
      announceClose(res)
      makeLast(res)
      res.end('ok')
    })
    expect(text).toMatch(/X-Connection: stays\r\nDate: [^\r]+\r\nConnection: close\r\n\r\nok$/)
    expect(text).not.toMatch(/keep-alive/i)
  })

  test('_hasBody is false for HEAD, 204 and 304 once the head is written', async () => {
    const seen: boolean[] = []
    const look: Handler = (req, res) => {
      res.writeHead(Number(req.url?.slice(1)))
      seen.push(hasBody(res))
      res.end()
    }
    for (const [method, status] of [
      ['GET', 200],
      ['HEAD', 200],
      ['GET', 204],
      ['GET', 304],
    ] as const) {
      await exchange(look, `${method} /${status} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    }
    expect(seen).toEqual([true, false, false, false])
  })

  test('_contentLength is known while end(body) writes the head, and not before', async () => {
    const seen: (number | null)[] = []
    await exchange((_req, res) => {
      const prior = res.writeHead
      seen.push(bodyLength(res))
      res.writeHead = (status: number) => {
        seen.push(bodyLength(res))
        return prior.call(res, status)
      }
      res.end('grüße')
    }, 'GET / HTTP/1.0\r\n\r\n')
    expect(seen).toEqual([null, 7])
  })

  test('_send is given every piece of a body, also past write() and end(), and what takes its place is sent', async () => {
    const seen: unknown[] = []
    const text = await exchange((_req, res) => {
      res.writeHead(200, { 'Content-Length': 4, Connection: 'close' })
      expect(
        watchPieces(res, (chunk, encoding) => {
          seen.push(chunk, encoding)
          return chunk === 'longer' ? Buffer.from('lo') : chunk
        }),
      ).toBe(true)
      res.write(Buffer.from('he'))
      res.end('longer', 'latin1')
    })
    expect(text.endsWith('\r\n\r\nhelo')).toBe(true)
    expect(seen.slice(0, 4)).toEqual([Buffer.from('he'), undefined, 'longer', 'latin1'])
  })

  test('getCurrentBuffer() is the piece of input that the parser is at, and nothing later on', async () => {
    const seen: boolean[] = []
    const more: boolean[] = []
    const look: Handler = (req, res) => {
      seen.push(endsItsRead(req))
      more.push(mayHoldMore(req))
      setImmediate(() => {
        seen.push(endsItsRead(req))
        more.push(mayHoldMore(req))
        res.end()
      })
    }
    const one = 'POST /one HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nab'
    await exchange(look, one)
    await exchange(look, `${one}GET /two HTTP/1.1\r\nHost: a\r\n\r\n`)
    expect(seen).toEqual([true, false, false, false])
    expect(more).toEqual([false, false, true, false])
  })

  test('_removedConnection tells that nothing will be announced', async () => {
    const seen: boolean[] = []
    await exchange((_req, res) => {
      seen.push(removedConnection(res))
      res.removeHeader('Connection')
      seen.push(removedConnection(res))
      res.end()
    }, 'GET / HTTP/1.0\r\n\r\n')
    expect(seen).toEqual([false, true])
  })

  test('a data listener takes the bytes from the parser, and _read() starts a stopped handle', async () => {
    const server = createServer((req) => {
      const { socket } = req
      socket.pause()
      let raw = ''
      readRaw(socket, (chunk) => {
        raw += chunk
        if (raw === 'not HTTP at all') socket.end(`read raw: ${raw}`)
      })
      socket.write('go on')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const text = await new Promise<string>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no end: ${all}`)), 5_000)
      let all = ''
      const client = connect(portOf(server).port, '127.0.0.1', () =>
        client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99\r\n\r\n'),
      )
      client.on('data', (chunk) => {
        all += chunk
        if (all === 'go on') client.write('not HTTP at all')
      })
      client.on('end', () => {
        clearTimeout(timer)
        client.destroy()
        resolve(all)
      })
    })
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
    expect(text).toBe('go onread raw: not HTTP at all')
  })

  test('_handle.listen(0) is a second listen() that shrinks the backlog and goes on accepting', async () => {
    const server = createServer((_req, res) => res.end('ok'))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    shrinkBacklog(server)
    expect(await answer(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'ok')).toContain('200 OK')
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })

  test('pauseOnConnect is read at each connection: it is not read from before resume()', async () => {
    const server = createServer((_req, res) => res.end('ok'))
    const sockets: Socket[] = []
    server.on('connection', (socket) => sockets.push(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    pauseNewConnections(server, true)
    const answered = answer(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'ok')
    while (sockets.length === 0) await new Promise((resolve) => setImmediate(resolve))
    pauseNewConnections(server, false)
    expect(sockets[0]?.isPaused()).toBe(true)
    expect(await answer(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'ok')).toContain('200 OK')
    expect([sockets[0]?.bytesRead, sockets[1]?.isPaused()]).toEqual([0, false])
    sockets[0]?.resume()
    expect(await answered).toContain('200 OK')
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})

test('hasBegun: finish() of a parser is an error amid a request, and changes nothing', async () => {
  const pieces = [
    '',
    '\r\n',
    'GET / HT',
    'TP/1.1\r\nHost: a\r\n',
    '\r\n',
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na',
    'b',
  ]
  const server = createServer((_req, res) => res.end('answer'))
  const parsed = new Promise<Socket>((resolve) => server.on('connection', resolve))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  expect(hasBegun(new Socket())).toBeUndefined()
  const client = connect(portOf(server).port, '127.0.0.1').setEncoding('latin1')
  let text = ''
  client.on('data', (piece) => {
    text += piece
  })
  const socket = await parsed
  const begun: (boolean | undefined)[] = []
  let sent = 0
  for (const piece of pieces) {
    if (piece !== '') client.write(piece)
    sent += piece.length
    await until('it to be read', () => socket.bytesRead === sent)
    begun.push(hasBegun(socket), hasBegun(socket))
  }
  await until('both answers', () => text.split('answer').length === 3)
  expect(begun).toEqual([false, false, false, false, true, true, true, true, false, false, true, true, false, false])
  client.destroy()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

test('isGone: not while the client is there, nor after its FIN; after its reset', async () => {
  const found = await new Promise<boolean[]>((resolve) => {
    const server = createNetServer({ allowHalfOpen: true }, (socket) => {
      const found = [isGone(socket)]
      socket.once('end', () => {
        found.push(isGone(socket))
        // Bytes that nobody takes any more: the kernel's answer is a reset.
        client.destroy()
        socket.write('x')
      })
      const destroy: Socket['destroy'] = (error) => {
        found.push(isGone(socket))
        return Reflect.apply(Socket.prototype.destroy, socket, [error])
      }
      socket.destroy = destroy
      socket.on('error', () => server.close(() => resolve(found)))
      socket.resume()
      const again = setInterval(() => (socket.destroyed ? clearInterval(again) : socket.write('x')), 10)
    })
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address !== null && typeof address !== 'string') client.connect(address.port)
    })
    const client = new Socket({ allowHalfOpen: true }).on('error', () => {})
    // Not before it is connected: an end() that comes earlier sends no FIN on Node 24 and later.
    client.once('connect', () => client.end())
  })
  expect(found).toEqual([false, false, true])
})

test('descriptorOf and streamDescriptor: the one that the kernel lists, and none once the socket is closed', async () => {
  const found = await new Promise<boolean[]>((resolve) => {
    const server = createNetServer((socket) => {
      const fd = descriptorOf(socket)
      const isListed = fd !== undefined && fstatSync(fd).isSocket() && streamDescriptor(socket) === fd
      const isGone = () => descriptorOf(socket) === undefined && streamDescriptor(socket) === -1
      socket.once('close', () => server.close(() => resolve([isListed, isGone()])))
      socket.destroy()
    })
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address !== null && typeof address !== 'string') connect(address.port, '127.0.0.1').on('error', () => {})
    })
  })
  expect(found).toEqual([true, true])
})

test('isResetting: in the destroy() that resetAndDestroy() calls, and in no other', async () => {
  const found = await new Promise<boolean[]>((resolve) => {
    const server = createNetServer((socket) => {
      const found = [isResetting(socket)]
      const destroy: Socket['destroy'] = (error) => {
        found.push(isResetting(socket))
        return Reflect.apply(Socket.prototype.destroy, socket, [error])
      }
      socket.destroy = destroy
      socket.once('close', () => server.close(() => resolve(found)))
      socket.resetAndDestroy()
    })
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address !== null && typeof address !== 'string') connect(address.port, '127.0.0.1').on('error', () => {})
    })
  })
  expect(found).toEqual([false, true])
})

test('bytesTaken: of a write that has not ended, what the kernel has taken', async () => {
  const SIZE = 40_000_000
  const taken = await new Promise<number[]>((resolve) => {
    const server = createNetServer((socket) => {
      const found = [bytesTaken({ socket, raw: undefined })]
      socket.on('error', () => {}).write(Buffer.alloc(SIZE))
      found.push(bytesTaken({ socket, raw: undefined }))
      client.once('data', () => client.destroy())
      socket.once('close', () => server.close(() => resolve(found)))
    })
    const client = new Socket().pause()
    server.listen(0, '127.0.0.1', () => client.connect((server.address() as AddressInfo).port, '127.0.0.1').resume())
  })
  expect(taken[0]).toBe(0)
  expect(taken[1]).toBeGreaterThan(0)
  expect(taken[1]).toBeLessThan(SIZE)
})

test.each([
  ['TCP', false],
  ['TLS', true],
])('bytesQueued: over %s, what is written past the socket and not with the kernel', async (_what, tls) => {
  const queued = await new Promise<number[]>((resolve) => {
    const serve = (socket: Socket) => {
      const ends = { socket, raw: rawBelowTls(socket) }
      const found = [bytesQueued(ends)]
      socket.on('error', () => {}).write(Buffer.alloc(40_000_000))
      setTimeout(() => {
        found.push(bytesQueued(ends))
        client.destroy()
      }, 50)
      socket.once('close', () => server.close(() => resolve(found)))
    }
    const server = tls ? createTlsServer(credentials, serve) : createNetServer(serve)
    let client: Socket
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      client = tls ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }) : connect(port, '127.0.0.1')
      client.on('error', () => {}).pause()
    })
  })
  expect(queued[0]).toBe(0)
  expect(queued[1]).toBeGreaterThan(0)
})

test('acceptedBy: _connections, as getConnections() tells it', async () => {
  const counted: number[] = []
  const server = createServer((_req, res) => {
    server.getConnections((_error, count) => {
      counted.push(count, acceptedBy(server))
      res.end('answer')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  await answer(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'answer')
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  expect([...counted, acceptedBy(server)]).toEqual([1, 1, 0])
})

test('parsedSockets, openResponse: the parsers of a server, and _httpMessage', async () => {
  const found: unknown[] = []
  const server = createServer((req, res) => {
    found.push(parsedSockets(server)[0] === req.socket, openResponse(req.socket) === res)
    res.on('finish', () => found.push(openResponse(req.socket)))
    res.end('answer')
  })
  expect(parsedSockets(server)).toEqual([])
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  await answer(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'answer')
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  expect(found).toEqual([true, true, undefined])
})

describe('belowTls, rawBelowTls: _parent and _parentWrap; canReset: the handle of TCP', () => {
  /** What a TLS server makes of what a listener of its own gives to it. */
  async function secured<T>(below: (socket: Socket) => Duplex, look: (socket: TLSSocket, below: Duplex) => T): Promise<T> {
    const tls = createTlsServer(credentials)
    const server = new NetServer()
    let given: Duplex = new Duplex()
    server.on('connection', (socket: Socket) => {
      given = below(socket.on('error', () => {}))
      tls.emit('connection', given)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const client = connectTls({ port: (server.address() as AddressInfo).port, rejectUnauthorized: false }).on('error', () => {})
    const found = await new Promise<T>((resolve) =>
      tls.on('secureConnection', (socket) => {
        resolve(look(socket, given))
        socket.destroy()
      }),
    )
    client.destroy()
    await new Promise((resolve) => server.close(resolve))
    return found
  }

  test('over TCP', async () => {
    const found = await secured(
      (socket) => Object.defineProperty(socket, 'remoteAddress', { value: 'overridden' }),
      (tls, raw) => [belowTls(tls) === raw, rawBelowTls(tls) === raw, canReset(tls), raw instanceof Socket && canReset(raw)],
    )
    expect(found).toEqual([true, true, false, true])
  })

  test('over some other stream', async () => {
    const found = await secured(
      (socket) => {
        const stream = new Duplex({ read() {}, write: (chunk, _encoding, done) => void socket.write(chunk, done) })
        socket.on('data', (chunk) => stream.push(chunk))
        return stream.on('close', () => socket.destroy())
      },
      (tls, raw) => [belowTls(tls) === raw, rawBelowTls(tls)],
    )
    expect(found).toEqual([true, undefined])
  })

  test('without TLS', () => {
    const socket = new Socket()
    expect([belowTls(socket), rawBelowTls(socket), canReset(socket)]).toEqual([undefined, undefined, false])
  })
})

test("writeBeside: the handle's descriptor and the length of its queue", async () => {
  const server = createHttp2Server()
  const received = new Promise<Buffer>((resolve, reject) => {
    server.on('connection', (socket: Socket) => {
      setImmediate(() => {
        try {
          expect(writeBeside(socket, Buffer.from('beside'))).toBe('all')
        } catch (error) {
          reject(error)
        }
      })
    })
    server.listen(0, '127.0.0.1', () => {
      const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
      let got = Buffer.alloc(0)
      client.on('data', (chunk) => {
        got = Buffer.concat([got, chunk])
        if (got.includes('beside')) {
          client.destroy()
          resolve(got)
        }
      })
    })
  })
  expect((await received).toString('latin1')).toContain('beside')
  server.close()
})

test('filePipeOf: pipeSource of the handle of a stream whose file is sent, which ends the pipe and no more', async () => {
  const server = createHttp2Server()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const told = new Promise<{ before: unknown; amid: unknown; behind: unknown }>((resolve) =>
    server.once('stream', (stream) => {
      const before = filePipeOf(stream)
      stream.respondWithFile(__filename, { ':status': 200 })
      const look = (): void => {
        if (!stream.headersSent) return void setImmediate(look)
        const pipe = filePipeOf(stream)
        pipe?.unpipe()
        resolve({ before, amid: pipe?.source.constructor.name, behind: filePipeOf(stream) })
        stream.close()
      }
      look()
    }),
  )
  const client = connectHttp2(`http://127.0.0.1:${portOf(server).port}`)
  client.request().on('error', () => {})
  expect(await told).toEqual({ before: undefined, amid: 'FileHandle', behind: undefined })
  client.destroy()
  await new Promise((resolve) => server.close(resolve))
})

test('settingsOf: the settings that an http2 server was made with', () => {
  expect(settingsOf(createHttp2Server({ settings: { maxConcurrentStreams: 7 } }))).toMatchObject({ maxConcurrentStreams: 7 })
})

describe('openServers', () => {
  it.each([
    ['http', () => createServer()],
    ['https', () => createHttpsServer(credentials)],
    ['http2', () => createHttp2Server()],
    ['http2 over TLS', () => createSecureServer(credentials)],
  ])('has an %s server that listens, and one that is closing and has an open connection', async (kind, make) => {
    const server = make()
    const isThere = () => openServers().has(server)
    expect(isThere()).toBe(false)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    expect(isThere()).toBe(true)
    const { port } = portOf(server)
    const isTls = kind.includes('https') || kind.includes('TLS')
    // A connection without a request is idle, and closes with its server.
    const isOpen = once(server, kind.startsWith('http2') ? 'session' : 'request')
    const client = isTls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] })
      : connect(port, '127.0.0.1')
    client.on('error', () => {}).resume()
    client.write(kind.startsWith('http2') ? 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' : 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await isOpen
    const closed = once(server, 'close')
    server.close()
    for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve))
    expect(isThere()).toBe(true)
    client.destroy()
    await closed
    await until('it to be gone', () => !isThere())
  })
})

describe('incompleteMessages', () => {
  const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'

  test.each([
    ['nothing yet', '', 0, true],
    ['a request', HEAD, 1, false],
    ['a request and an empty line', `${HEAD}\r\n`, 1, false],
    ['a request and half of another one', `${HEAD}GET /ne`, 1, true],
    ['two requests', HEAD + HEAD, 2, false],
    ['a request whose body has not come as a whole', 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nab', 1, true],
  ])('of %s', async (_what, bytes, answers, amid) => {
    const server = createServer((_req, res) => res.end('answer'))
    expect(knowsMessages(server)).toBe(false)
    const sockets: Socket[] = []
    server.on('connection', (socket: Socket) => sockets.push(socket))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    expect(knowsMessages(server)).toBe(true)
    const client = connect(portOf(server).port, '127.0.0.1').setEncoding('latin1')
    const seen = new Promise<void>((resolve) => {
      let text = ''
      client.on('data', (piece) => {
        text += piece
        if (text.split('answer').length === answers + 1) resolve()
      })
    })
    client.write(bytes)
    await (answers > 0 ? seen : new Promise((resolve) => server.once('connection', resolve)))
    expect(sockets.map((socket) => incompleteMessages(server).has(socket))).toEqual([amid])
    // That the list is the right one to ask: the socket knows its parser and its server, and the parser its socket.
    expect(sockets.map((socket) => isParsedElsewhere(server, socket))).toEqual([false])
    expect(sockets.map((socket) => isParsedElsewhere(createServer(), socket))).toEqual([true])
    expect(sockets.map((socket) => isParsedElsewhere(server, Object.create(socket)))).toEqual([true])
    client.destroy()
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
})
