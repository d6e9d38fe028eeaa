import { once } from 'node:events'
import { createServer, type IncomingMessage, Server, ServerResponse } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { Client } from '../../../test/support/client.js'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { deferred, until, within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'
import type { AttachableServer } from '../src/types.js'

/** Puts a method on an object that notes its call, and then does what was there. */
function wrap(target: object, name: string, called: string[]): void {
  const prior = Reflect.get(target, name)
  Object.assign(target, {
    [name](this: unknown, ...args: unknown[]) {
      called.push(name)
      return Reflect.apply(prior, this, args)
    },
  })
}

describe('methods that a server has of its own before attach()', () => {
  test.each([
    ['http', () => createServer((_req, res) => void res.end('ok'))],
    ['https', () => createTlsServer(credentials, (_req, res) => void res.end('ok'))],
    ['http2', () => createHttp2Server((_req, res) => void res.end('ok'))],
  ])('are called once each when %s is closed, and the callback when it has', async (name, create) => {
    const server: AttachableServer = create()
    const called: string[] = []
    for (const method of ['listen', 'close', 'closeIdleConnections', 'closeAllConnections'])
      if (Reflect.get(server, method) !== undefined) wrap(server, method, called)
    const connections = attach(server, { drain: 'fast', logger: quiet })
    await listening(server)
    expect(called).toEqual(['listen'])
    Reflect.get(server, 'closeIdleConnections').call(server)
    Reflect.get(server, 'closeAllConnections').call(server)
    const closed = deferred<unknown>()
    server.close((...args: unknown[]) => closed.resolve(args))
    expect(await within(closed.promise, () => 'the callback')).toEqual([])
    expect(connections.state).toBe('drained')
    expect(called.filter((method) => method === 'close')).toEqual(['close'])
    if (name !== 'http2')
      // The last one by Node's own close().
      expect(called).toEqual(['listen', 'closeIdleConnections', 'closeAllConnections', 'close', 'closeIdleConnections'])
  })

  test('may put something before the callback; in a drain nobody called close(), and it is asked all the same', async () => {
    for (const how of ['close', 'drain'] as const) {
      const server = createServer((_req, res) => void res.end('ok'))
      const told: string[] = []
      const { close } = server
      server.close = function (callback) {
        return Reflect.apply(close, this, [
          (error?: Error) => {
            told.push(`flushed ${error}`)
            callback?.(error)
          },
        ])
      }
      const connections = attach(server, { drain: 'fast', logger: quiet })
      const port = await listening(server)
      const client = await Client.open({ port })
      await client.ask(get('/'))
      if (how === 'drain') await within(connections.drain(), () => 'the drain')
      else {
        const closed = deferred<void>()
        server.close(() => {
          told.push('closed')
          closed.resolve()
        })
        await within(closed.promise, () => 'the callback')
      }
      expect(await client.closed()).toBe('fin')
      expect(told).toEqual(how === 'close' ? ['flushed undefined', 'closed'] : ['flushed undefined'])
      // A second life calls no callback of the first.
      await listening(server)
      await within(connections.drain(), () => 'the second drain')
      expect(told.filter((what) => what === 'closed')).toHaveLength(how === 'close' ? 1 : 0)
    }
  })

  test('are those of a class, too; one that throws, or closes nothing, does not hold the drain', async () => {
    const caught: unknown[] = []
    const { nextTick } = process
    class Mine extends Server {
      override close(): this {
        throw new Error('not closed')
      }
    }
    class Deaf extends Server {
      override close(): this {
        return this
      }
    }
    process.nextTick = (run: (...args: never[]) => void, ...args: never[]) =>
      nextTick(() => {
        try {
          run(...args)
        } catch (error) {
          caught.push(error)
        }
      })
    try {
      for (const server of [new Mine(), new Deaf()]) {
        const connections = attach(server, { drain: 'fast', logger: quiet })
        await listening(server)
        await within(connections.drain(), () => 'the drain')
        expect(server.listening).toBe(false)
      }
      expect(caught.map(String)).toEqual(['Error: not closed'])
    } finally {
      process.nextTick = nextTick
    }
  })
})

describe('methods of its own', () => {
  test('that a response class sets in its constructor are called', async () => {
    class Secure extends ServerResponse {
      constructor(req: IncomingMessage) {
        super(req)
        const { writeHead } = this
        this.writeHead = function (this: Secure, ...args: unknown[]) {
          this.setHeader('X-Frame-Options', 'DENY')
          return Reflect.apply(writeHead, this, args)
        }
      }
    }
    const server = createServer({ ServerResponse: Secure }, (_req, res) => void res.end('ok'))
    const connections = attach(server, { drain: 'fast', logger: quiet })
    const client = await Client.open({ port: await listening(server) })
    for (let n = 0; n < 2; n++) {
      const answer = await client.ask(get('/'))
      expect([answer.text, answer.header('x-frame-options'), answer.closes]).toEqual(['ok', 'DENY', false])
    }
    await within(connections.drain(), () => 'the drain')
  })

  test('that are fixed on a response stay, and nothing is thrown', async () => {
    class Fixed extends ServerResponse {
      constructor(req: IncomingMessage) {
        super(req)
        const { end } = this
        Object.defineProperty(this, 'end', { value: (...args: unknown[]) => Reflect.apply(end, this, args) })
      }
    }
    const server = createServer({ ServerResponse: Fixed }, (_req, res) => void res.end('ok'))
    const connections = attach(server, { drain: 'fast', logger: quiet })
    const client = await Client.open({ port: await listening(server) })
    for (let n = 0; n < 2; n++) expect((await client.ask(get('/'))).text).toBe('ok')
    await within(connections.drain(), () => 'the drain')
  })

  test('that are accessors are read', async () => {
    class Read extends ServerResponse {
      constructor(req: IncomingMessage) {
        super(req)
        const { end } = this
        Object.defineProperty(this, 'end', {
          configurable: true,
          get: () =>
            function (this: ServerResponse, ...args: unknown[]) {
              this.setHeader('X-Read', 'yes')
              return Reflect.apply(end, this, args)
            },
        })
      }
    }
    const server = createServer({ ServerResponse: Read }, (_req, res) => void res.end('ok'))
    const connections = attach(server, { drain: 'fast', logger: quiet })
    const client = await Client.open({ port: await listening(server) })
    expect((await client.ask(get('/'))).header('x-read')).toBe('yes')
    await within(connections.drain(), () => 'the drain')
  })

  test('that were put on the socket of an HTTP/2 session before it are called', async () => {
    const server = createHttp2Server((_req, res) => void res.end('ok'))
    const called: string[] = []
    server.prependListener('connection', (socket: Socket) => {
      for (const name of ['end', 'destroy', 'emit']) wrap(socket, name, called)
    })
    const connections = attach(server, { drain: 'fast', logger: quiet })
    const session = connectHttp2(`http://127.0.0.1:${await listening(server)}`)
    const stream = session.request({ ':path': '/' })
    stream.resume()
    await within(once(stream, 'close'), () => 'the answer')
    session.close()
    await within(connections.drain(), () => 'the drain')
    await until('the socket to be destroyed', () => called.includes('destroy'))
    expect(new Set(called)).toEqual(new Set(['end', 'destroy', 'emit']))
  })

  test('that others put over ours stay when the socket goes to another protocol', async () => {
    const server = createServer()
    const called: string[] = []
    let upgraded: Socket | undefined
    server.on('request', (req, res) => {
      for (const name of ['destroy', 'destroySoon', 'push', '_destroy', 'setTimeout']) wrap(req.socket, name, called)
      res.end('ok')
    })
    server.on('upgrade', (_req, socket: Socket) => {
      upgraded = socket
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
    })
    const connections = attach(server, { drain: 'fast', logger: quiet })
    const client = await Client.open({ port: await listening(server) })
    await client.ask(get('/'))
    await client.send(get('/', 'Connection: Upgrade', 'Upgrade: echo'))
    expect((await client.next()).status).toBe(101)
    called.splice(0)
    upgraded?.setTimeout(60_000)
    upgraded?.destroySoon()
    await client.over()
    await until('it to be destroyed', () => upgraded?.destroyed === true)
    expect(new Set(called)).toEqual(new Set(['setTimeout', 'destroySoon', 'destroy', '_destroy']))
    client.vanish()
    await within(connections.drain(), () => 'the drain')
  })
})
