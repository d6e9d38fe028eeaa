import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server, type Http2ServerResponse } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { FrameClient } from '../../../test/support/h2/client.js'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { endedAfterEach, listening, quiet } from '../../../test/support/server.js'
import { Arrivals, pass, until, within } from '../../../test/support/wait.js'
import { where } from '../../../test/support/where.js'
import { attach } from '../src/index.js'

// What a policy cannot see is waited for as a bare server does; and what listeners an application takes away holds no drain.

const opened = endedAfterEach()

describe('a session of HTTP/2 from before attach()', () => {
  async function session() {
    const held = new Arrivals<Http2ServerResponse>()
    const server = createHttp2Server((_req, res) => held.push(res))
    let closed = 0
    server.on('close', () => {
      closed++
    })
    const port = await listening(server)
    const client = connectHttp2(`http://127.0.0.1:${port}`).on('error', () => {})
    opened.after(() => client.destroy())
    const stream = client.request({ ':path': '/' }).setEncoding('utf8')
    let text = ''
    stream
      .on('data', (chunk: string) => {
        text += chunk
      })
      .on('error', () => {})
    const res = await within(held.at(0), () => 'the request')
    return { server, client, res, text: () => text, closed: () => closed }
  }

  test('is waited for longer than a second, and is counted as unseen', async () => {
    const { server, client, res, text, closed } = await session()
    const connections = attach(server, { logger: quiet })
    expect(connections.stats().unseen).toBe(1)
    const drained = connections.drain()
    await pass(1_500)
    res.end('done')
    await until('the answer', () => text() === 'done')
    client.close()
    const { clean, requests, unseen } = await within(drained, () => 'the drain')
    expect({ clean, cut: requests.cut, unseen, closed: closed() }).toEqual({ clean: true, cut: 0, unseen: 1, closed: 1 })
    expect(connections.stats().unseen).toBe(0)
  })

  test("that is open at the deadline makes the report unclean, and the server's 'close' is told when it ends", async () => {
    const { server, client, closed } = await session()
    const connections = attach(server, { logger: quiet, drain: { deadline: 300 } })
    const { clean, requests, unseen } = await within(connections.drain(), () => 'the drain')
    expect({ clean, cut: requests.cut, unseen, closed: closed() }).toEqual({ clean: false, cut: 1, unseen: 1, closed: 0 })
    client.destroy()
    await until("the server's 'close'", () => closed() === 1)
    await pass(50)
    expect(closed()).toBe(1)
  })
})

// Older Nodes have no list of a server's sessions.
const LISTED = where(Number(process.versions.node.split('.')[0]) >= 24, 'Node 24 lists the sessions of a server')

LISTED.test(`an idle session from before attach() gets its GOAWAY in a drain, and does not hold it${LISTED.note}`, async () => {
  const server = createHttp2Server((_req, res) => res.end('done'))
  const port = await listening(server)
  const client = await FrameClient.open({ port })
  opened.after(() => client.connection.destroy())
  await client.get('/')
  const connections = attach(server, { logger: quiet, drain: { deadline: 60_000 } })
  const { clean, unseen } = await within(connections.drain(), () => 'the drain')
  expect({ clean, unseen, goaways: client.goaways.length > 0 }).toEqual({ clean: true, unseen: 1, goaways: true })
  expect(await client.closed()).toBe('fin')
})

describe('a stream that is no socket, handed to the server as a connection', () => {
  class Pipe extends Duplex {
    readonly written: string[] = []
    override _read(): void {}
    override _write(chunk: Buffer, _encoding: string, done: () => void): void {
      this.written.push(chunk.toString('latin1'))
      done()
    }
  }

  async function handed(options: Parameters<typeof attach>[1]) {
    const held = new Arrivals<ServerResponse>()
    const server = createServer((_req, res) => held.push(res))
    await listening(server)
    const connections = attach(server, { logger: quiet, ...options })
    const pipe = new Pipe()
    opened.after(() => pipe.destroy())
    opened.after(() => connections.drain({ fast: true }))
    server.emit('connection', pipe)
    pipe.push(get('/'))
    const res = await within(held.at(0), () => 'the request')
    return { connections, pipe, res }
  }

  test("tells the response's 'close' when it has ended", async () => {
    const { pipe, res } = await handed({ halfClosed: 200 })
    const closed = once(res, 'close')
    pipe.push(null)
    await within(closed, () => "the response's 'close'")
  })

  test('gets the answer that it waits for within halfClosed', async () => {
    const { pipe, res } = await handed({ halfClosed: 20_000 })
    pipe.push(null)
    await pass(50)
    res.end('done')
    await until('the answer', () => pipe.written.join('').includes('done'))
  })

  test('is waited for by a drain, and counted', async () => {
    const { connections, pipe, res } = await handed({})
    expect(connections.stats().unseen).toBe(1)
    const drained = connections.drain()
    await pass(500)
    expect(connections.state).toBe('draining')
    res.end('done')
    const { clean, requests, unseen } = await within(drained, () => 'the drain')
    expect({ clean, cut: requests.cut, unseen }).toEqual({ clean: true, cut: 0, unseen: 1 })
    expect(pipe.written.join('')).toContain('done')
  })

  test('makes the report unclean where its request is cut at the deadline', async () => {
    const { connections } = await handed({ drain: { deadline: 300 } })
    const { clean, requests, unseen } = await within(connections.drain(), () => 'the drain')
    expect({ clean, cut: requests.cut, unseen }).toEqual({ clean: false, cut: 1, unseen: 1 })
  })
})

describe.each([
  ['http', () => createServer(), false],
  ['https', () => createHttpsServer(credentials), true],
])("over %s, an application that takes away all listeners of 'close'", (_name, make, tls) => {
  test.each(['of its sockets', 'of its server'])('%s holds no drain to its deadline', async (whose) => {
    const held = new Arrivals<ServerResponse>()
    const server = make()
    server.on('request', (_req: unknown, res: ServerResponse) => held.push(res))
    const port = await listening(server)
    const connections = attach(server, { logger: quiet, drain: { deadline: 60_000 }, linger: { quiet: 100 } })
    if (whose === 'of its server') server.removeAllListeners('close')
    const client = await opened.connect({ port, tls })
    await client.send(get('/'))
    const res = await within(held.at(0), () => 'the request')
    const { socket } = res
    const drained = connections.drain()
    await until('draining', () => connections.state === 'draining')
    res.destroy()
    if (whose === 'of its server') server.removeAllListeners('close')
    else socket?.removeAllListeners('close')
    await within(drained, () => 'the drain')
  })
})

test('a handshake whose listeners of close are taken away holds no drain to its deadline', async () => {
  const server = createHttpsServer(credentials)
  const raws = new Arrivals<Socket>()
  server.on('connection', (raw: Socket) => raws.push(raw))
  const port = await listening(server)
  const connections = attach(server, { logger: quiet, drain: { deadline: 60_000, silent: 60_000 } })
  await opened.connect(port)
  const raw = await within(raws.at(0), () => 'the connection')
  const drained = connections.drain()
  await until('draining', () => connections.state === 'draining')
  raw.destroy()
  raw.removeAllListeners('close')
  await within(drained, () => 'the drain')
})
