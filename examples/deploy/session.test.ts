import { once } from 'node:events'
import http2, { type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { Session } from './session.mjs'

const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_REFUSED_STREAM } = http2.constants

let server: Http2Server
let sessions: Session[]
let open: Set<ServerHttp2Session>
let sockets: Set<Socket>

async function listen(answer: (stream: ServerHttp2Stream) => void): Promise<Session> {
  server = http2.createServer()
  server.on('connection', (socket) => sockets.add(socket))
  server.on('session', (session) => {
    open.add(session)
    session.on('error', () => {})
  })
  server.on('stream', (stream) => {
    stream.on('error', () => {})
    answer(stream)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return connect()
}

function connect(): Session {
  const session = new Session((server.address() as AddressInfo).port, 5)
  sessions.push(session)
  return session
}

beforeEach(() => {
  sessions = []
  open = new Set()
  sockets = new Set()
})

afterEach(() => {
  for (const session of sessions) session.close()
  for (const session of open) session.destroy()
  server.close()
})

function destroyAll(): void {
  for (const socket of sockets) socket.destroy()
}

const get = { method: 'GET', path: '/' }
const post = { method: 'POST', path: '/', headers: { 'content-length': '4' }, body: Buffer.from('body') }
const upload = { method: 'POST', path: '/', body: Buffer.alloc(1024 * 1024) }

/** Says half of an answer. */
function half(stream: ServerHttp2Stream): void {
  stream.respond({ ':status': 200, 'content-length': '8' })
  stream.write('half')
}

describe('a client over HTTP/2', () => {
  it('takes the answers of streams side by side', async () => {
    const session = await listen((stream) => {
      stream.respond({ ':status': 201 })
      stream.end('ok')
    })
    const answered = { told: undefined, cause: undefined, response: { status: 201, text: 'ok', bodyLength: 2 } }
    expect(await Promise.all([session.exchange(get), session.exchange(post)])).toEqual([answered, answered])
    expect(session).toMatchObject({ usable: true, requests: 2 })
  })

  it('takes an answer that comes before its body is sent', async () => {
    const session = await listen((stream) => {
      stream.respond({ ':status': 401 })
      stream.end()
    })
    expect(await session.exchange(upload)).toMatchObject({ cause: undefined, response: { status: 401 } })
  })

  it('is told by REFUSED_STREAM that a request was not run, and goes on with the session', async () => {
    const session = await listen((stream) => stream.close(NGHTTP2_REFUSED_STREAM))
    expect(await session.exchange(post)).toEqual({ told: 'REFUSED_STREAM' })
    expect(session.usable).toBe(true)
  })

  it('is told by a GOAWAY what was not run: what lies above its last stream, and nothing else', async () => {
    const streams: ServerHttp2Stream[] = []
    const session = await listen((stream) => {
      streams.push(stream)
      if (streams.length === 2) stream.session?.goaway(0, streams[0]?.id)
    })
    const first = session.exchange(post)
    expect(await session.exchange(post)).toHaveProperty('told', expect.stringMatching('.'))
    expect(session.usable).toBe(false)
    streams[0]?.session?.destroy()
    expect(await first).toMatchObject({ told: undefined, cause: expect.stringMatching(/reset|eof/) })
  })

  it.each<[string, (stream: ServerHttp2Stream) => void]>([
    ['a stream is reset for another reason', (stream) => stream.close(NGHTTP2_INTERNAL_ERROR)],
    ['the connection is gone without a GOAWAY', () => destroyAll()],
  ])('has lost a request where %s', async (_what, answer) => {
    const session = await listen(answer)
    expect(await session.exchange(post)).toMatchObject({ told: undefined, cause: expect.stringMatching(/^(reset|eof)$/) })
  })

  it.each<[string, (stream: ServerHttp2Stream) => void]>([
    ['by a reset', (stream) => void setImmediate(() => stream.close(NGHTTP2_INTERNAL_ERROR))],
    ['by a refusal, though it was run', (stream) => void setImmediate(() => stream.close(NGHTTP2_REFUSED_STREAM))],
    ['by an end that comes too early', (stream) => void stream.end()],
    ['by the end of the connection', (stream) => void setImmediate(() => stream.session?.destroy())],
  ])('sees that an answer is cut %s', async (_how, cut) => {
    const session = await listen((stream) => {
      half(stream)
      cut(stream)
    })
    expect(await session.exchange(get)).toMatchObject({ told: undefined, cause: 'cut' })
  })

  it('is refused where nobody listens', async () => {
    await listen(() => {})
    const { port } = server.address() as AddressInfo
    server.close()
    await once(server, 'close')
    const session = new Session(port, 5)
    sessions.push(session)
    expect(await session.exchange(get)).toMatchObject({ told: undefined, cause: 'refused' })
    expect(session.usable).toBe(false)
  })
})
