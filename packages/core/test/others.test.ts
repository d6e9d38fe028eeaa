import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer, IncomingMessage, ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { Socket } from 'node:net'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { until, within } from '../../../test/support/wait.js'
import { Events } from '../src/events/events.js'
import { attach } from '../src/index.js'
import { WaitingContexts } from './waiting-contexts.js'

test('requests that waited leave async_hooks, be they answered, dropped behind a close, or left by their client', async () => {
  const contexts = new WaitingContexts()
  const held: ServerResponse[] = []
  const server = createServer((req, res) => {
    if (req.url === '/held') held.push(res)
    else if (req.url === '/last') res.setHeader('Connection', 'close').end('last')
    else res.end('ok')
  })
  const connections = attach(server, { drain: 'fast', logger: quiet })
  try {
    const port = await listening(server)
    const answered = await Client.open({ port })
    const closed = await Client.open({ port })
    const left = await Client.open({ port })
    const broken = await Client.open({ port })
    await answered.send(get('/held') + get('/a') + get('/b'))
    await closed.send(get('/held') + get('/last') + get('/c') + get('/d'))
    await left.send(get('/held') + get('/e').repeat(5))
    await broken.send(`${get('/held')}POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n\r\n`)
    await until('all to wait', () => held.length === 4 && contexts.begun === 4)
    left.vanish()
    for (const res of held) res.end('held')
    await answered.take(3)
    await closed.take(2)
    await until('all to leave', () => contexts.live === 0)
    for (const client of [answered, closed, broken]) client.vanish()
    await within(connections.drain(), () => 'the drain')
    expect(contexts.live).toBe(0)
  } finally {
    contexts.stop()
  }
})

test('a request without a connection, handed to the server by the application, reaches its handler', () => {
  const seen: (string | undefined)[] = []
  const server = createServer((req, res) => {
    seen.push(req.url)
    res.end('ok')
  })
  attach(server, { logger: quiet })
  const bare = new IncomingMessage(new Socket())
  bare.url = '/unconnected'
  expect(server.emit('request', bare, new ServerResponse(bare))).toBe(true)
  for (const socket of [undefined, null]) {
    const req = new IncomingMessage(new Socket())
    req.url = `/${socket}`
    Object.assign(req, { socket, httpVersionMajor: 1, httpVersionMinor: 1 })
    expect(server.emit('request', req, new ServerResponse(req))).toBe(true)
  }
  expect(seen).toEqual(['/unconnected', '/undefined', '/null'])
})

test('many warnings of one code, whose text clients choose, silence no other code', () => {
  const logged: string[] = []
  const events = new Events({ info: () => {}, warn: (_fields: object, message: string) => void logged.push(message) })
  for (let n = 0; n < 150; n++) events.warn({ code: 'HALFCLOSE_CONTENT_LENGTH', message: `/path-${n}` })
  events.warn({ code: 'HALFCLOSE_UNSEEN_CONNECTIONS', message: 'unseen' })
  events.warn({ code: 'HALFCLOSE_UNSEEN_CONNECTIONS', message: 'unseen' })
  expect(logged).toHaveLength(101)
  expect(logged.at(-1)).toBe('unseen')
})

describe("the async context of one request is nobody else's", () => {
  test("'close' is told in none, whoever ends the connection, and by whichever bound", async () => {
    const storage = new AsyncLocalStorage<string>()
    const server = createServer((req, res) =>
      storage.run(req.url ?? '', () => {
        if (req.url === '/destroyed') req.socket.destroy()
        else if (req.url === '/closed') setImmediate(() => res.setHeader('Connection', 'close').end('ok'))
        else if (req.url !== '/held') setImmediate(() => res.end('ok'))
      }),
    )
    const connections = attach(server, {
      keepAlive: { timeout: 100, hold: 1_200 },
      halfClosed: 100,
      drain: 'fast',
      logger: quiet,
    })
    const told: string[] = []
    connections.on('close', ({ reason }) => told.push(`${reason} ${storage.getStore()}`))
    const port = await listening(server)
    const clients = await Promise.all(Array.from({ length: 4 }, () => Client.open({ port })))
    const [idle, destroyed, closed, half] = clients
    if (!idle || !destroyed || !closed || !half) throw new Error('no clients')
    await half.send(get('/held'))
    half.fin()
    await destroyed.send(get('/destroyed'))
    await closed.send(get('/closed'))
    await idle.ask(get('/idle'))
    await closed.next()
    closed.fin()
    await until('all to be closed', () => told.length >= 4)
    expect([...told].sort()).toEqual(['half-closed undefined', 'handler undefined', 'handler undefined', 'idle undefined'].sort())
    await within(connections.drain(), () => 'the drain')
  })

  test('nor over HTTP/2, nor on the diagnostics channel, when a handler or a bound ends the session', async () => {
    const storage = new AsyncLocalStorage<string>()
    const server = createHttp2Server((req, res) =>
      storage.run(req.url, () => {
        res.end('ok')
        if (req.url === '/closed') setImmediate(() => req.stream.session?.close())
      }),
    )
    const connections = attach(server, { http2: { hold: 1_000 }, drain: 'fast', logger: quiet })
    const told: unknown[] = []
    const note = () => told.push(storage.getStore())
    subscribe('halfclose:connection.close', note)
    try {
      const port = await listening(server)
      for (const path of ['/closed', '/idle']) {
        const session = connectHttp2(`http://127.0.0.1:${port}`)
        session.request({ ':path': path }).resume()
        await within(once(session, 'close'), () => 'the session to end')
      }
      await until('both to be told', () => told.length === 2)
      expect(told).toEqual([undefined, undefined])
    } finally {
      unsubscribe('halfclose:connection.close', note)
      await within(connections.drain(), () => 'the drain')
    }
  })

  test("a malformed request behind an answer is told to 'clientError' in none", async () => {
    const storage = new AsyncLocalStorage<string>()
    const held: ServerResponse[] = []
    const server = createServer((req, res) => storage.run(req.url ?? '', () => setImmediate(() => held.push(res))))
    const seen: unknown[] = []
    server.on('clientError', (_error, socket) => {
      seen.push(storage.getStore())
      socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    })
    const connections = attach(server, { drain: 'fast', logger: quiet })
    const client = await Client.open({ port: await listening(server) })
    await client.send(`${get('/held')}nonsense\r\n\r\n`)
    await until('it to be held', () => held.length === 1)
    storage.run('/other', () => held[0]?.end('held'))
    await client.take(2)
    expect(seen).toEqual([undefined])
    await within(connections.drain(), () => 'the drain')
  })

  test("a drain that a request begins is none's: its states and lines are told in the context of attach()", async () => {
    const storage = new AsyncLocalStorage<string>()
    const told: string[] = []
    const note = (what: string) => told.push(`${what} ${storage.getStore()}`)
    const server = createServer((_req, res) => void res.setHeader('Connection', 'close').end('ok'))
    const logger = { info: () => void note('line'), warn: () => void note('warning') }
    const connections = attach(server, { drain: { delay: 50, deadline: 3_000 }, logger })
    connections.on('state', ({ state }) => note(state))
    await listening(server)
    await within(
      storage.run('/stop', () => connections.drain()),
      () => 'the drain',
    )
    expect(told).toEqual(['line', 'leaving', 'draining', 'line', 'drained'].map((what) => `${what} undefined`))
  })
})
