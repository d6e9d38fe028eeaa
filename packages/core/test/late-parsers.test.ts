import { once } from 'node:events'
import { createServer, type Server as HttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect as connectTcp, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connect as connectTls } from 'node:tls'
import { credentials } from '../../../test/support/hosts/http.js'
import { portOf, quiet } from '../../../test/support/server.js'
import { Arrivals, pass, until, within } from '../../../test/support/wait.js'
import { attach } from '../src/index.js'
import { hasBegun, parsedSockets } from '../src/node/parser.js'

// Fronts that keep the server's own listeners from a connection until they have read its PROXY line, as proxywrap and findhit-proxywrap do.

type Front = (server: HttpServer, event: string) => void
type Listener = (socket: Socket) => void

/** Calls `ready` once a socket has said its line. `push`: gives back what came behind it, when that is called. */
function readLine(socket: Socket, ready: (push: () => void) => void): void {
  let read = Buffer.alloc(0)
  const onReadable = () => {
    for (let chunk: Buffer | null = socket.read(); chunk !== null; chunk = socket.read()) {
      read = Buffer.concat([read, chunk])
      const end = read.indexOf('\r\n')
      if (end === -1) continue
      const rest = read.subarray(end + 2)
      socket.removeListener('readable', onReadable)
      const address = read.toString('latin1', 0, end).split(' ')[2]
      Object.defineProperty(socket, 'remoteAddress', { get: () => address })
      return ready(() => rest.length > 0 && socket.unshift(rest))
    }
  }
  socket.on('readable', onReadable)
}

/** The listeners of an event move to another one, which is emitted behind the line; what the socket emits meanwhile, it emits then. */
const proxywrap: Front = (server, event) => {
  for (const listener of server.listeners(event))
    server.on('proxiedConnection', (socket) => Reflect.apply(listener, server, [socket]))
  server.removeAllListeners(event)
  server.on(event, (socket: Socket) => {
    const history: [string | symbol, ...unknown[]][] = []
    const realEmit = socket.emit
    readLine(socket, (push) => {
      push()
      server.emit('proxiedConnection', socket)
      socket.emit = realEmit
      for (const args of history) Reflect.apply(realEmit, socket, args)
    })
    socket.emit = (name: string | symbol, ...args: unknown[]) => {
      // The line itself is not told again.
      if (name !== 'data') history.push([name, ...args])
      return name === 'readable' ? Reflect.apply(realEmit, socket, [name]) : true
    }
  })
}

/** It calls the listeners, without an event, and gives back what came behind the line after that. */
const caller: Front = (server, event) => {
  const listeners = server.listeners(event)
  server.removeAllListeners(event)
  const listen: Listener = (socket) =>
    readLine(socket, (push) => {
      for (const listener of listeners) Reflect.apply(listener, server, [socket])
      push()
    })
  server.on(event, listen)
}

const LINE = 'PROXY TCP4 203.0.113.7 10.0.0.1 5555 80\r\n'

const open: (Socket | HttpServer)[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) {
    if ('destroySoon' in one) one.destroy()
    else await new Promise((resolve) => one.close(resolve))
  }
})

interface Client {
  readonly socket: Duplex
  readonly text: () => string
  readonly ended: Promise<unknown>
}

type Start = (front: Front) => Promise<{
  server: HttpServer
  requests: Arrivals<ServerResponse>
  client: (line: string, behind?: string) => Promise<Client>
}>

function starter(
  make: (listener: (req: IncomingMessage, res: ServerResponse) => void) => HttpServer,
  event: string,
  isSecure: boolean,
): Start {
  return async (front) => {
    const requests = new Arrivals<ServerResponse>()
    const server = make((_req, res) => {
      requests.push(res)
      res.end('answer')
    })
    front(server, event)
    open.push(server)
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const client = async (line: string, behind = ''): Promise<Client> => {
      const port = portOf(server)
      const arrived = once(server, 'connection')
      const raw = connectTcp(port, '127.0.0.1').on('error', () => {})
      open.push(raw)
      // Where the line is within TLS, it is the first that the client sends there.
      if (event === 'connection') raw.write(isSecure ? line : line + behind)
      const socket = isSecure ? connectTls({ socket: raw, rejectUnauthorized: false }) : raw
      if (isSecure) socket.write(event === 'connection' ? behind : line + behind)
      let text = ''
      socket
        .on('error', () => {})
        .on('data', (chunk) => {
          text += chunk
        })
      const ended = once(socket, 'end')
      await within(arrived, () => 'the connection')
      return { socket, text: () => text, ended }
    }
    return { server, requests, client }
  }
}

const http = starter((listener) => createServer(listener), 'connection', false)
const kinds: [string, Start][] = [
  ['http', http],
  ['https, below TLS', starter((listener) => createHttpsServer(credentials, listener), 'connection', true)],
  ['https, within TLS', starter((listener) => createHttpsServer(credentials, listener), 'secureConnection', true)],
]
const fronts: [string, Front][] = [
  ['moves the listeners', proxywrap],
  ['calls the listeners', caller],
]
const all = kinds.flatMap(([kind, start]) => fronts.map(([how, front]) => [kind, how, start, front] as const))
const drain = { silent: 100, idle: 0, deadline: 60_000 }

describe.each(all)('%s, behind a front that reads the PROXY line and then %s', (_kind, _how, start, front) => {
  test('a client of which only the line has come holds no drain longer than a silent one', async () => {
    const { server, client } = await start(front)
    const connections = attach(server, { drain, logger: quiet })
    const { ended } = await client(LINE)
    await until('the line', () => connections.stats().connections.opened === 1)
    await pass(50)
    expect(connections.stats().open.busy).toBe(0)
    const report = await within(connections.drain(), () => 'the drain, long before its deadline')
    expect(report.clean).toBe(true)
    await within(ended, () => 'the end')
  })

  test('a client of which only the line had come before attach() counts as silent too', async () => {
    const { server, client } = await start(front)
    const { ended } = await client(LINE)
    await until('that it is parsed', () => parsedSockets(server).length === 1)
    const connections = attach(server, { drain: { ...drain, idle: 'promise', deadline: 20_000 }, logger: quiet })
    await until('the connection', () => connections.stats().connections.opened === 1)
    expect(connections.stats().open).toMatchObject({ silent: 1, idle: 0, busy: 0 })
    const report = await within(connections.drain(), () => 'the drain')
    expect(report.clean).toBe(true)
    expect(report.ms).toBeLessThan(4_000)
    expect(report.promisesBroken).toEqual({})
    await within(ended, () => 'the end')
  })

  test('half a request that had come behind the line before attach() is waited for', async () => {
    const { server, client, requests } = await start(front)
    const { socket, text, ended } = await client(LINE)
    socket.write('GET / HTTP/1.1\r\nHo')
    await until('half a request', () => parsedSockets(server).some((one) => one instanceof Socket && hasBegun(one) === true))
    const connections = attach(server, { drain, logger: quiet })
    await until('that it counts as busy', () => connections.stats().open.busy === 1)
    const drained = connections.drain()
    await until('draining', () => connections.state === 'draining')
    await pass(300)
    socket.write('st: a\r\n\r\n')
    await within(requests.at(0), () => 'the request')
    await within(ended, () => 'the end')
    expect(text()).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*answer$/)
    expect((await drained).clean).toBe(true)
  })

  test('half a request behind the line is waited for', async () => {
    const { server, client, requests } = await start(front)
    const connections = attach(server, { drain, logger: quiet })
    const { socket, text, ended } = await client(LINE)
    socket.write('GET / HTTP/1.1\r\nHo')
    await until('that it counts as busy', () => connections.stats().open.busy === 1)
    const drained = connections.drain()
    await until('draining', () => connections.state === 'draining')
    await pass(300)
    socket.write('st: a\r\n\r\n')
    await within(requests.at(0), () => 'the request')
    await within(ended, () => 'the end')
    expect(text()).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*answer$/)
    expect((await drained).clean).toBe(true)
  })

  test('what comes in one piece with the line is answered', async () => {
    const { server, client } = await start(front)
    const connections = attach(server, { drain, logger: quiet })
    const { text } = await client(LINE, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until('the answer', () => text().endsWith('answer'))
    await within(connections.drain(), () => 'the drain')
  })
})

test.each(fronts)('http: half a PROXY line holds no drain either, behind a front that %s', async (_how, front) => {
  const start = http
  const { server, client } = await start(front)
  const connections = attach(server, { drain, logger: quiet })
  const { ended } = await client('PROXY TCP4 203.0')
  await until('the connection', () => connections.stats().connections.opened === 1)
  await pass(50)
  await within(connections.drain(), () => 'the drain, long before its deadline')
  await within(ended, () => 'the end')
})

test.each(fronts)(
  'http: no 408 answers the line alone when headersTimeout strikes, behind a front that %s',
  async (_how, front) => {
    const options = { headersTimeout: 100, requestTimeout: 100, connectionsCheckingInterval: 50 }
    const { server, client } = await starter((listener) => createServer(options, listener), 'connection', false)(front)
    attach(server, { logger: quiet })
    const silent = await client(LINE)
    await within(silent.ended, () => 'the end')
    expect(silent.text()).toBe('')
    const late = await client(LINE, 'GET / HTTP/1.1\r\nHo')
    await within(late.ended, () => 'the end')
    expect(late.text()).toMatch(/^HTTP\/1\.1 408 /)
  },
)
