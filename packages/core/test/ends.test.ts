import { createServer, type IncomingMessage, type RequestListener, type ServerOptions, ServerResponse } from 'node:http'
import { createServer as createNetServer, type Server as NetServer } from 'node:net'
import { Duplex } from 'node:stream'
import type { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { endedAfterAll, portOf, quiet } from '../../../test/support/server.js'
import { deferred, pass, until, within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'
import type { Options } from '../src/types.js'

// How connections end at the edges: bodies and heads that stop coming, sockets that other code had before, and when the application hears of it.
// Most of them wait, at the same time; the two that block the loop or count timers run after the others.

const opened = endedAfterAll()

function governed(options: Options, listener: RequestListener, settings: ServerOptions = {}) {
  const server = createServer(settings, listener)
  return { server, connections: attach(server, { drain: 'fast', logger: quiet, ...options }) }
}

async function clientOf(server: NetServer): Promise<Client> {
  return opened.connect(server.listening ? portOf(server) : await opened.listen(server))
}

const SHORT = { keepAlive: { timeout: 1_000 } }

test.concurrent('an unread body that stops coming ends its connection, though requestTimeout is off', async () => {
  const { server } = governed(SHORT, (_req, res) => void res.end('early'), { headersTimeout: 1_000, requestTimeout: 0 })
  const client = await clientOf(server)
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nab')
  expect((await client.next()).text).toBe('early')
  await client.send('c')
  expect(await client.closed()).toBe('fin')
})

test.concurrent('one that comes late, but whole, leaves the connection to the next request', async () => {
  const { server } = governed(SHORT, (_req, res) => void res.end('early'), { headersTimeout: 1_000, requestTimeout: 0 })
  const client = await clientOf(server)
  await client.send('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\na')
  await client.next()
  await client.send('b')
  await pass(2_300)
  await client.send('cd')
  expect((await client.ask(get('/again'))).text).toBe('early')
  expect(await client.closed()).toBe('fin')
})

test.concurrent.each(['GET / HT', '\r\n'])(
  '%j that nothing follows ends the connection of a server that does not listen itself',
  async (part) => {
    const { server } = governed(SHORT, (_req, res) => void res.end('x'), { headersTimeout: 1_000 })
    const client = await clientOf(createNetServer((socket) => server.emit('connection', socket)))
    await client.ask(get('/1'))
    await client.send(part)
    expect(await client.closed()).toBe('fin')
  },
)

test.concurrent('a drain of a server that does not listen itself ends idle connections after their promise, and not when their hold is over', async () => {
  const keepAlive = { timeout: 1_000, hold: 30_000 }
  const { server, connections } = governed({ keepAlive, drain: { delay: 0 } }, (_req, res) => void res.end('x'))
  const client = await clientOf(createNetServer((socket) => server.emit('connection', socket)))
  await client.ask(get('/1'))
  const { connections: closed } = await connections.drain()
  expect(closed.byReason).toEqual({ draining: 1 })
  expect(await client.closed()).toBe('fin')
})

test.concurrent('a stream that is not ours is left alone while a drain ends what is idle', async () => {
  const held = deferred<ServerResponse>()
  const { server, connections } = governed({ ...SHORT, drain: { delay: 0, deadline: 10_000 } }, (req, res) =>
    req.url === '/held' ? held.resolve(res) : void res.end('ok'),
  )
  const idle = await clientOf(server)
  const busy = await clientOf(server)
  const foreign = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
  server.emit('connection', foreign)
  foreign.push(get('/'))
  await idle.ask(get('/'))
  await busy.send(get('/held'))
  const res = await within(held.promise, () => '/held at the application')
  const drained = connections.drain()
  expect(await idle.closed()).toBe('fin')
  expect(foreign.destroyed).toBe(false)
  res.end('ok')
  await within(drained, () => 'the drain')
})

test.concurrent('half a request is waited for on a socket that was handed to another server late: its parser is in no list of ours', async () => {
  const other = createServer((_req, res) => void res.end('ok'))
  const { server, connections } = governed(SHORT, (_req, res) => void res.end('ok'))
  const both = attach(other, { logger: quiet, ...SHORT })
  server.removeAllListeners('connection').on('connection', (socket) =>
    socket.once('readable', () => {
      socket.unshift(socket.read())
      other.emit('connection', socket)
    }),
  )
  const client = await clientOf(server)
  await client.ask(get('/1'))
  client.parser.methods.push('GET')
  const request = get('/2')
  await client.send(request.slice(0, 10))
  await until('it to begin', () => connections.stats().open.busy + both.stats().open.busy === 1)
  await pass(2_500)
  await client.send(request.slice(10))
  expect((await client.next()).text).toBe('ok')
})

test.concurrent('a clientError listener may take its time, also for what came on a connection that was used before', async () => {
  const { server } = governed(SHORT, (_req, res) => void res.end('ok'), { headersTimeout: 500, connectionsCheckingInterval: 100 })
  server.on('clientError', (_error, socket) => {
    setTimeout(() => socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n'), 3_000)
  })
  const client = await clientOf(server)
  await client.ask(get('/1'))
  await client.send('GET / HT')
  client.parser.methods.push('GET')
  expect((await client.next()).status).toBe(408)
})

test.concurrent('a connection that is busy, and was promised more, does not hold up the expiry of the others', async () => {
  const { server, connections } = governed({}, (req, res) => {
    if (req.url === '/stream') res.write('x')
    else res.end('x')
  })
  const busy = await clientOf(server)
  await busy.ask(get('/1'))
  await pass(100)
  void busy.send(get('/stream'))
  await until('the stream', () => connections.stats().open.busy === 1)
  server.keepAliveTimeout = 1_000
  const other = await clientOf(server)
  await other.ask(get('/2'))
  expect(await other.closed(4_500)).toBe('fin')
  busy.destroy()
})

test.concurrent('a promise that is as long as drain.idle is kept, and not counted as broken', async () => {
  const { server, connections } = governed({ keepAlive: { timeout: 1_000 }, drain: { delay: 0, idle: 1_000 } }, (_req, res) => {
    res.end('x')
  })
  const client = await clientOf(server)
  await client.ask(get('/1'))
  const { promisesBroken, connections: closed } = await connections.drain()
  expect([promisesBroken, closed.byReason]).toEqual([{}, { draining: 1 }])
  expect(await client.closed()).toBe('fin')
})

test.concurrent('nor does one that is idle, and was promised more', async () => {
  const { server, connections } = governed({}, (_req, res) => void res.end('x'))
  await (await clientOf(server)).ask(get('/1'))
  await pass(100)
  server.keepAliveTimeout = 1_000
  const other = await clientOf(server)
  await other.ask(get('/2'))
  expect(await other.closed(4_500)).toBe('fin')
  expect(connections.stats().open.idle).toBe(1)
})

test.concurrent('a promise that is over is not counted as broken, however shortly it is', async () => {
  const { server, connections } = governed(SHORT, (_req, res) => void res.end('x'))
  const client = await clientOf(server)
  await client.ask(get('/1'))
  await pass(1_003)
  server.closeIdleConnections()
  expect(await client.closed()).toBe('fin')
  expect(connections.stats().promisesBroken).toEqual({})
})

test('a promise does not become longer because the loop stands still right after it', async () => {
  const { server, connections } = governed(
    { keepAlive: { timeout: 3_000 }, drain: { delay: 0 } },
    (_req, res) => void res.end('x'),
  )
  const client = await clientOf(server)
  await client.ask(get('/1'))
  const until = performance.now() + 4_100
  while (performance.now() < until);
  await within(connections.drain(), () => 'the drain', 3_500)
  expect(await client.closed()).toBe('fin')
})

test.concurrent('the FIN of a client whose first bytes somebody else has read is seen', async () => {
  const { server, connections } = governed({ halfClosed: 300 }, () => {})
  const front = createNetServer({ allowHalfOpen: true }, (socket) => {
    socket.once('readable', () => {
      socket.unshift(socket.read())
      setTimeout(() => server.emit('connection', socket), 100)
    })
  })
  const client = await clientOf(front)
  await client.send(get('/never'))
  client.fin()
  await client.closed()
  await until('it to be let go', () => connections.stats().connections.closed === 1)
  expect(connections.stats().closes).toEqual({ 'half-closed': 1 })
})

test.concurrent('the application hears of a request that was cut before the drain is over', async () => {
  const heard: string[] = []
  const { server, connections } = governed({ drain: { deadline: 200 } }, (req, res) => {
    req.on('aborted', () => heard.push('aborted'))
    res.on('close', () => heard.push('close'))
  })
  const client = await clientOf(server)
  await client.send(get('/never'))
  await until('the request', () => connections.stats().requests.received === 1)
  const { requests } = await connections.drain()
  expect([requests.cut, heard]).toEqual([1, ['aborted', 'close']])
})

test('a clientError listener that destroys as if the connection had broken leaves no timer behind', async () => {
  const { server } = governed({}, () => {})
  server.on('clientError', (_error, socket) => socket.destroy(Object.assign(new Error('gone'), { code: 'ECONNRESET' })))
  const client = await clientOf(server)
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
  const before = timers()
  await client.send('garbage\r\n\r\n')
  await within(client.closed(), () => 'the end')
  await until('no more timers than before', () => timers() <= before)
})

test.concurrent('a shorter keepAliveTimeout breaks no promise that was given', async () => {
  const { server } = governed({}, (req, res) => void res.end(req.url), { keepAliveTimeout: 3_000 })
  const client = await clientOf(server)
  expect((await client.ask(get('/1'))).header('keep-alive')).toBe('timeout=3')
  server.keepAliveTimeout = 1
  expect((await (await clientOf(server)).ask(get('/2'))).header('keep-alive')).toBeUndefined()
  await pass(2_500)
  expect((await client.ask(get('/3'))).text).toBe('/3')
})

test.concurrent('server.keepAliveTimeout = 5_000 is noticed where five seconds were promised before', async () => {
  const { server, connections } = governed({}, (_req, res) => void res.end('x'), { keepAliveTimeout: 72_000 })
  expect(connections.policy.keepAlive).toMatchObject({ timeout: 5_000, hold: 73_000 })
  server.keepAliveTimeout = 5_000
  await (await clientOf(server)).ask(get('/1'))
  expect(connections.policy.keepAlive).toMatchObject({ timeout: 5_000, hold: 6_000 })
})

test.concurrent('keepAliveTimeout = 0 amid a response, and another setting after it: the connection is idle, and ends as such', async () => {
  const { server, connections } = governed(SHORT, (req, res) => {
    if (req.url === '/0') server.keepAliveTimeout = 0
    res.end('x')
  })
  const client = await clientOf(server)
  await client.ask(get('/0'))
  expect(connections.stats().open).toMatchObject({ idle: 1, busy: 0 })
  expect(await client.closed()).toBe('fin')
})

test.concurrent("an application's socket.setTimeout() with a callback is its own, also right after the response", async () => {
  let fired = 0
  const { server } = governed({}, (req, res) => {
    res.prependListener('finish', () => {
      setImmediate(() => req.socket.setTimeout(200, () => void fired++))
    })
    res.end('x')
  })
  const client = await clientOf(server)
  await client.ask(get('/1'))
  await until('the callback', () => fired === 1)
})

/** With the old name of writeHead, which Node no longer has by itself from 26 on. */
class WithAlias<Request extends IncomingMessage> extends ServerResponse<Request> {
  writeHeader(status: number, fields: Readonly<Record<string, number>>): this {
    return super.writeHead(status, fields)
  }
}

test.concurrent('a head written by writeHeader is governed, whoever has defined that', async () => {
  const server = createServer({ ServerResponse: WithAlias }, (_req, res) => {
    res.writeHeader(200, { 'Content-Length': 2 })
    res.end('ok and more')
  })
  attach(server, { drain: 'fast', logger: quiet, keepAlive: { maxRequests: 1 } })
  const client = await clientOf(server)
  const answer = await client.ask(get('/'))
  expect([answer.text, answer.header('connection')]).toEqual(['ok', 'close'])
  expect(await client.closed()).toBe('fin')
})
