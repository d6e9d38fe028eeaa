import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createSecureServer, type Http2ServerResponse } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { connect as connectTcp, createServer as createNetServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { closed, endedAfterEach, quiet } from '../../../test/support/server.js'
import { Arrivals, deferred, pass, until, within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'
import type { AttachableServer, Options } from '../src/types.js'

// TLS and TCP sockets that do not come from the governed server's own listener: fronts of the application's own.

const opened = endedAfterEach()

function keep<S extends Socket>(socket: S): S {
  opened.after(() => socket.destroy())
  return socket.on('error', () => {})
}

/** Reads the line of the PROXY protocol, and lets the raw socket say what it says, as findhit-proxywrap and proxywrap do. */
function proxyFront(server: AttachableServer): Server {
  return createNetServer((socket) =>
    socket.once('data', (line: Buffer) => {
      const [, , address, , port] = line.toString('latin1').split(' ')
      Object.defineProperty(socket, 'remoteAddress', { get: () => address })
      Object.defineProperty(socket, 'remotePort', { get: () => Number(port) })
      socket.pause()
      server.emit('connection', socket)
      socket.resume()
    }),
  )
}

/** A TCP connection to the front that has said its PROXY line, which has been read. */
async function announced(front: Server, server: AttachableServer): Promise<Socket> {
  const seen = once(server, 'connection')
  const socket = keep(connectTcp(await opened.listen(front), '127.0.0.1'))
  socket.write('PROXY TCP4 203.0.113.7 10.0.0.1 5555 443\r\n')
  await within(seen, () => 'the connection at the server')
  return socket
}

const held = () => {
  const arrived = deferred<ServerResponse | Http2ServerResponse>()
  const listener = (_req: unknown, res: ServerResponse | Http2ServerResponse) => arrived.resolve(res)
  return { arrived, listener }
}

describe.each<[string, Options['drain']]>([
  ['a drain', { silent: 100, deadline: 20_000 }],
  ["a drain of 'fast'", 'fast'],
])('behind a front that overrides the addresses of the raw socket, %s', (_name, drain) => {
  test('waits for the request that is being answered over TLS', async () => {
    const { arrived, listener } = held()
    const server = createHttpsServer(credentials, listener)
    const connections = attach(server, { drain, logger: quiet })
    const raw = await announced(proxyFront(server), server)
    const client = keep(connectTls({ socket: raw, rejectUnauthorized: false }))
    let text = ''
    client.on('data', (chunk) => {
      text += chunk
    })
    client.write(get('/'))
    const res = await within(arrived.promise, () => 'the request')
    const drained = connections.drain()
    await until('draining', () => connections.state === 'draining')
    // Several looks of the drain, also past `silent`.
    await pass(300)
    res.end('done')
    const { clean, requests } = await within(drained, () => 'the drain')
    await until('the answer', () => text.endsWith('done'))
    expect({ clean, requests }).toEqual({ clean: true, requests: { finished: 1, rescued: 0, cut: 0 } })
  })

  test('waits for the stream that is being answered over HTTP/2', async () => {
    const { arrived, listener } = held()
    const server = createSecureServer(credentials, listener)
    const connections = attach(server, { drain, logger: quiet })
    const raw = await announced(proxyFront(server), server)
    const tls = () => keep(connectTls({ socket: raw, ALPNProtocols: ['h2'], rejectUnauthorized: false }))
    const client = connectHttp2('https://localhost', { createConnection: tls })
    client.on('error', () => {})
    const stream = client.request({ ':path': '/' }).setEncoding('utf8')
    let text = ''
    stream
      .on('data', (chunk: string) => {
        text += chunk
      })
      .on('error', () => {})
    const res = await within(arrived.promise, () => 'the request')
    const drained = connections.drain()
    await until('draining', () => connections.state === 'draining')
    await pass(300)
    res.end('done')
    const { clean, requests } = await within(drained, () => 'the drain')
    await until('the answer', () => text === 'done')
    expect({ clean, requests }).toEqual({ clean: true, requests: { finished: 1, rescued: 0, cut: 0 } })
    client.destroy()
  })
})

/** Where a TLS server of the application's own gets its raw connections from. */
const belows: [string, (tls: Server) => Server][] = [
  ['TCP', (tls) => tls],
  ['TCP by way of another listener', (tls) => createNetServer((socket) => tls.emit('connection', socket))],
  ['some other stream', (tls) => createNetServer((socket) => tls.emit('connection', streamOf(socket)))],
]

/** A Duplex that is no socket. */
function streamOf(socket: Socket): Duplex {
  const stream = new Duplex({
    read: () => void socket.resume(),
    write: (chunk, _encoding, done) => void socket.write(chunk, done),
    final: (done) => void socket.end(done),
    destroy: (error, done) => {
      socket.destroy()
      done(error)
    },
  })
  socket.on('data', (chunk) => stream.push(chunk) || socket.pause())
  socket.on('end', () => stream.push(null)).on('error', (error) => stream.destroy(error))
  return stream
}

describe.each(belows)('a TLS server of the application hands its sockets to an http server: over %s', (name, frontOf) => {
  test.each<[string, Options]>([
    ['its client has waited long enough', { halfClosed: 100 }],
    ['the application breaks it off', {}],
    ['the deadline cuts it', { drain: { deadline: 100 } }],
  ])('a body that ends with the connection is cut so that it shows when %s', async (why, options) => {
    const arrived = deferred<ServerResponse>()
    const server = createServer((_req, res) => {
      res.on('error', () => {}).write('half')
      arrived.resolve(res)
    })
    const connections = attach(server, { drain: 'fast', logger: quiet, ...options })
    const tls = createTlsServer({ ...credentials, allowHalfOpen: true }, (socket) => server.emit('connection', socket))
    const raw = keep(connectTcp({ port: await opened.listen(frontOf(tls)), host: '127.0.0.1', allowHalfOpen: true }))
    const client = keep(connectTls({ socket: raw, rejectUnauthorized: false }))
    client.resume()
    const errors: unknown[] = []
    client.on('error', (error) => errors.push(Reflect.get(error, 'code'))).on('end', () => client.end())
    const closed = new Promise((resolve) => client.once('close', resolve))
    client.write('GET / HTTP/1.0\r\n\r\n')
    const res = await within(arrived.promise, () => 'the request')
    if (options.halfClosed !== undefined) client.end()
    else if (options.drain === undefined) res.destroy()
    else void connections.drain()
    await within(closed, () => 'the end')
    if (name !== 'some other stream') expect(errors).toEqual(['ECONNRESET'])
    await until(`no connection, after ${why}`, () => connections.stats().connections.closed === 1)
    await connections.drain()
  })
})

test('a cut leaves a socket alone that knows no reset: a pipe below TLS', async () => {
  const arrived = deferred<ServerResponse>()
  const server = createServer((_req, res) => {
    res.write('half')
    arrived.resolve(res)
  })
  attach(server, { drain: 'fast', logger: quiet })
  const tls = createTlsServer(credentials, (socket) => server.emit('connection', socket))
  const path = join(mkdtempSync(join(tmpdir(), 'halfclose-')), 'tls')
  opened.after(() => closed(tls))
  await once(tls.listen(path), 'listening')
  const client = keep(connectTls({ path, rejectUnauthorized: false })).resume()
  client.write('GET / HTTP/1.0\r\n\r\n')
  const res = await within(arrived.promise, () => 'the request')
  res.destroy()
  await within(once(client, 'close'), () => 'the end of the connection')
})

test('handshakes on streams and pipes are bounded by a drain as well', async () => {
  const server = createHttpsServer(credentials)
  const connections = attach(server, { drain: { silent: 100, deadline: 20_000 }, logger: quiet })
  const path = join(mkdtempSync(join(tmpdir(), 'halfclose-')), 'https')
  opened.after(() => closed(server))
  await once(server.listen(path), 'listening')
  const seen = new Arrivals<unknown>()
  server.on('connection', (socket) => seen.push(socket))
  const pipe = keep(connectTcp(path)).resume()
  const front = createNetServer((socket) => server.emit('connection', streamOf(socket)))
  const stream = keep(connectTcp(await opened.listen(front), '127.0.0.1')).resume()
  const ends = Promise.all([once(pipe, 'close'), once(stream, 'close')])
  await within(seen.at(1), () => 'two connections at the server')
  // Long before its deadline.
  await within(connections.drain(), () => 'the drain')
  await within(ends, () => 'both to be closed')
})
