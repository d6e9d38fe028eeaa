import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { attach, type Connections, type Options } from '@halfclose/core'
import { govern } from '@halfclose/core/adapter'
import { BIG, bodyOf } from './facts.js'
import type { Framing, Mode, Plan, Script } from './script.js'

const pem = (name: string): Buffer => readFileSync(join(__dirname, '../../support/cert', `${name}.pem`))
const credentials = { key: pem('key'), cert: pem('cert') }
/** As a socket of the application's own upstream fails: it looks like an error of the client's. */
const upstreamReset = (): Error =>
  Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read', errno: -104 })
const silent = { info: () => {}, warn: () => {} }

/** The server with the application that does what the script says. */
export class Application {
  readonly seen: string[] = []
  readonly plans = new Map<string, Plan>()
  readonly held = new Map<string, ServerResponse>()
  readonly server: Server
  readonly connections: Connections
  readonly hold: number
  /** The one connection, as the server has it. */
  socket: Socket | undefined
  /** When the last answer was with the kernel: the client may hear of it much later. */
  answeredAt = performance.now()

  constructor({ tls, keepAlive, halfClosed, quiet, drain, crowded, connects, commands }: Script) {
    const handle = (req: IncomingMessage, res: ServerResponse) => this.#handle(req, res)
    this.server = tls ? createTlsServer(credentials, handle) : createServer(handle)
    const patient = commands.some((command) => command.do === 'outwait')
    this.hold = patient ? (keepAlive === false ? 0 : keepAlive.timeout) + 1_000 : 30_000
    const options: Options = {
      keepAlive: keepAlive === false ? false : { ...keepAlive, hold: this.hold },
      halfClosed,
      linger: { quiet, total: 30_000 },
      drain,
      logger: silent,
    }
    if (crowded === false) this.connections = attach(this.server, options)
    else {
      const limits = { connections: 1, perClient: 1, idle: 1, minRate: 1, refuse: crowded }
      const all = { ...options, drain: { ...drain, delay: 0 }, limits, readiness: '/ready' }
      const names = { name: 'model', handler: handle, alsoKnown: [], already: 'governed twice', closing: 'nothing' }
      this.connections = govern(names, all).connections.attach(this.server)
    }
    this.server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
      if (this.socket !== undefined) return // one that there is no room for
      this.socket = socket
    })
    this.server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
      this.#echo((req.url ?? '').slice(1), socket, '101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo', head)
    })
    if (connects)
      this.server.on('connect', (req: IncomingMessage, socket: Duplex, head: Buffer) => {
        this.#echo((req.url ?? '').replace(':80', ''), socket, '200 OK', head)
      })
  }

  async listen(): Promise<number> {
    this.server.listen(0, '127.0.0.1')
    await once(this.server, 'listening')
    return this.port
  }

  /** The client's FIN has been read; 'end' comes when all that lies before it has been parsed, for which it may have to wait. */
  get inputEnded(): boolean {
    const state: unknown = this.socket && Reflect.get(this.socket, '_readableState')
    return typeof state === 'object' && state !== null && 'ended' in state && state.ended === true
  }

  get port(): number {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    return address.port
  }

  openConnections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.server.getConnections((error, count) => (error === null ? resolve(count) : reject(error))),
    )
  }

  answer(id: string, mode: Mode): void {
    const res = this.held.get(id)
    this.held.delete(id)
    if (res !== undefined) respond(res, id, mode)
  }

  begin(id: string, framing: Framing): void {
    const res = this.held.get(id)
    if (res === undefined) return
    if (framing === 'length') res.setHeader('Content-Length', bodyOf(id).length)
    if (framing === 'unframed') res.removeHeader('Transfer-Encoding')
    res.write(bodyOf(id).slice(0, 4))
  }

  /** The rest of what was begun; or the cut. */
  end(id: string, whole: boolean): void {
    const res = this.held.get(id)
    this.held.delete(id)
    if (whole) res?.end(bodyOf(id).slice(4))
    else res?.destroy()
  }

  #handle(req: IncomingMessage, res: ServerResponse): void {
    const id = (req.url ?? '').slice(1)
    this.seen.push(id)
    res.once('finish', () => {
      this.answeredAt = performance.now()
    })
    const plan = this.plans.get(id) ?? 'held'
    if (plan === 'read') {
      req.resume().on('end', () => respond(res, id, 'length'))
    } else if (plan === 'held') {
      this.held.set(id, res)
      if (Number(id.slice(1)) % 2 === 1) req.resume() // it may read, or not
    } else respond(res, id, plan)
  }

  #echo(id: string, socket: Duplex, answer: string, head: Buffer): void {
    this.seen.push(id)
    const leave = () => void socket.end()
    socket.on('error', () => {})
    socket.on('close', () => this.connections.signal.removeEventListener('abort', leave))
    this.connections.signal.addEventListener('abort', leave)
    socket.write(`HTTP/1.1 ${answer}\r\n\r\n`)
    socket.write(head)
    socket.on('data', (chunk: Buffer) => socket.write(chunk))
    socket.on('end', leave)
  }
}

function respond(res: ServerResponse, id: string, mode: Mode): void {
  const body = bodyOf(id)
  const head = res.req.method === 'HEAD'
  switch (mode) {
    case 'length':
      return void res.end(body)
    case 'big':
      return void res.end(head ? body : body.padEnd(BIG, '.'))
    case 'chunked':
      res.write(body.slice(0, 5))
      return void res.end(body.slice(5))
    case 'close':
    case 'insists':
      return void res.setHeader('Connection', mode === 'close' ? 'close' : 'keep-alive').end(body)
    case 'none':
      return void res.writeHead(204).end()
    case 'unframed':
      res.removeHeader('Transfer-Encoding')
      res.write(body.slice(0, 5))
      return void res.end(body.slice(5))
    case 'misfit':
      return void res.setHeader('Content-Length', 3).end(body)
    case 'long':
      res.setHeader('Content-Length', 3).write(body.slice(0, 3))
      return void res.end(body.slice(3))
    case 'short':
      res.setHeader('Content-Length', 100).write(body)
      return void res.end()
    case 'abort':
      return void res.destroy()
    case 'torn':
    case 'torn-unframed':
    case 'failed':
    case 'failed-unframed':
      if (mode.endsWith('unframed')) res.removeHeader('Transfer-Encoding')
      res.write(body.slice(0, 5))
      return void res.destroy(mode.startsWith('failed') ? upstreamReset() : undefined)
  }
}
