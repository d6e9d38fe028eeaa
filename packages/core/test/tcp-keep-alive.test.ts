import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect as connectHttp2, createServer as createHttp2Server, createSecureServer } from 'node:http2'
import { createServer as createHttpsServer } from 'node:https'
import { Socket } from 'node:net'
import { find } from '../../../test/clients/client.js'
import { Client } from '../../../test/support/client.js'
import { credentials } from '../../../test/support/hosts/http.js'
import { get } from '../../../test/support/requests.js'
import { listening, quiet } from '../../../test/support/server.js'
import { Arrivals, within } from '../../../test/support/wait.js'
import { where } from '../../../test/support/where.js'
import { attach } from '../src/index.js'
import { parseTcp } from '../src/options/tcp.js'
import type { WarningEvent } from '../src/types.js'

// TCP keep-alive: what is asked of the kernel, and what Node cannot ask of it.

const PROBES = { keepAlive: { idle: 30_000, interval: 5_000, count: 4 } }

test.each([
  ['an interval and a count', PROBES, 1],
  ['an interval', { keepAlive: { interval: 5_000 } }, 1],
  ['no probes at all', { keepAlive: { idle: false, count: 4 } }, 0],
  ['neither', { keepAlive: { idle: 5_000 } }, 0],
])('where Node cannot set them, %s, it warns', (_what, tcp, expected) => {
  const warnings: WarningEvent[] = []
  parseTcp(tcp, warnings, false)
  expect(warnings.map(({ code }) => code)).toEqual(Array(expected).fill('HALFCLOSE_PROBES_NOT_SET'))
  parseTcp(tcp, warnings, true)
  expect(warnings).toHaveLength(expected)
})

test('the interval and the count are given to Node', async () => {
  const asked: unknown[][] = []
  const server = createServer((_req, res) => void res.end('ok'))
  server.on('connection', (socket) => {
    const { setKeepAlive } = socket
    socket.setKeepAlive = (...args: unknown[]) => {
      asked.push(args)
      return Reflect.apply(setKeepAlive, socket, args)
    }
  })
  const connections = attach(server, { drain: 'fast', tcp: PROBES, logger: quiet })
  const client = await Client.open({ port: await listening(server) })
  await client.ask(get('/'))
  expect(asked).toEqual([[true, 30_000, 5_000, 4]])
  client.destroy()
  await connections.drain()
})

/** What the kernel has of a socket, asked by a process that gets its descriptor. */
interface Kept {
  readonly on: number
  readonly idle: number
  readonly interval: number
  readonly count: number
}

const ASK = `
import json, socket
s = socket.socket(fileno=3)
tcp = socket.IPPROTO_TCP
print(json.dumps({
  "on": s.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
  "idle": s.getsockopt(tcp, socket.TCP_KEEPIDLE),
  "interval": s.getsockopt(tcp, socket.TCP_KEEPINTVL),
  "count": s.getsockopt(tcp, socket.TCP_KEEPCNT),
}))`

const python3 = process.platform === 'linux' ? find('python3') : undefined

async function askKernel(socket: Socket): Promise<Kept> {
  const child = spawn(python3 ?? 'python3', ['-c', ASK], { stdio: ['ignore', 'pipe', 'inherit', socket] })
  let text = ''
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  await within(once(child, 'close'), () => 'what the kernel says', 25_000)
  return JSON.parse(text)
}

const kernel = where(python3 !== undefined, 'no python3 on Linux to ask the kernel with')

/** Node asks for its own where it is told none: a probe each second, ten in all. */
const NODES = { interval: 1, count: 10 }
const SETS_PROBES = Socket.prototype.setKeepAlive.length >= 4

kernel.describe.each([
  ['http', () => createServer((_req, res) => void res.end('ok')), false],
  ['https', () => createHttpsServer(credentials, (_req, res) => void res.end('ok')), true],
  ['http2', () => createHttp2Server((_req, res) => void res.end('ok')), false],
  ['https2', () => createSecureServer(credentials, (_req, res) => void res.end('ok')), true],
])(`what the kernel has of a connection, %s${kernel.note}`, (name, make, isSecure) => {
  /** Its warnings, and what the kernel has of two connections with one request each. */
  async function opened(tcp: object): Promise<{ codes: unknown[]; kept: Kept[] }> {
    const raws = new Arrivals<Socket>()
    const server = make()
    server.on('connection', (raw: Socket) => raws.push(raw))
    const codes: unknown[] = []
    const logger = { info: () => {}, warn: (fields: object) => void codes.push(Reflect.get(fields, 'code')) }
    const connections = attach(server, { drain: 'fast', tcp, logger })
    const port = await listening(server)
    const ends: (() => void)[] = []
    const kept: Kept[] = []
    for (let i = 0; i < 2; i++) {
      ends.push(await (name.endsWith('2') ? askOverHttp2(port, isSecure) : ask(port, isSecure)))
      kept.push(await askKernel(await within(raws.at(i), () => 'the connection')))
    }
    for (const end of ends) end()
    // The process that asked had the descriptor, and Node reads no more of what it gives away.
    for (const raw of raws.list) raw.destroy()
    await connections.drain()
    return { codes, kept }
  }

  test('`idle`, `interval` and `count` reach it; where Node cannot set them `idle` does, and one warning says so', async () => {
    const { codes, kept } = await opened(PROBES)
    const one = { on: 1, idle: 30, ...(SETS_PROBES ? { interval: 5, count: 4 } : NODES) }
    expect(kept).toEqual([one, one])
    expect(codes).toEqual(SETS_PROBES ? [] : ['HALFCLOSE_PROBES_NOT_SET'])
  })

  test('a number is `idle`, and the rest is as Node has it', async () => {
    const { codes, kept } = await opened({ keepAlive: 20_000 })
    const one = { on: 1, idle: 20, ...NODES }
    expect({ codes, kept }).toEqual({ codes: [], kept: [one, one] })
  })

  test('`false`: it looks for nobody', async () => {
    const { kept } = await opened({ keepAlive: false })
    expect(kept.map(({ on }) => on)).toEqual([0, 0])
  })
})

async function ask(port: number, tls: boolean): Promise<() => void> {
  const client = await Client.open({ port, tls })
  expect((await client.ask(get('/'))).status).toBe(200)
  return () => client.destroy()
}

async function askOverHttp2(port: number, isSecure: boolean): Promise<() => void> {
  const url = `${isSecure ? 'https' : 'http'}://127.0.0.1:${port}`
  const session = connectHttp2(url, { rejectUnauthorized: false }).on('error', () => {})
  const stream = session.request({ ':path': '/' }).on('error', () => {})
  const [headers] = await within(once(stream.resume(), 'response'), () => 'the response')
  expect(headers[':status']).toBe(200)
  return () => session.destroy()
}
