import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type Duplex, PassThrough, pipeline } from 'node:stream'
import { type AdapterOptions, type Connections, govern } from '@halfclose/core/adapter'
import { credentials } from '../../support/hosts/http.js'
import type { Plan, Script } from './script.js'

const silent = { info: () => {}, warn: () => {} }
const ignore = (): void => {}

/** As a socket of the application's own upstream fails: it looks like an error of the client's. */
const upstreamReset = (): Error =>
  Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read', errno: -104 })

/** Two servers under one policy, and an application that minds its own errors. */
export class Application {
  readonly connections: Connections
  /** By the client's port: the ids that the application was given. */
  readonly seen = new Map<number, string[]>()
  /** Called for each request that the application is given. */
  onRequest: () => void = ignore
  readonly #servers: Server[]

  constructor({ options, takes }: Script) {
    const handler = (req: IncomingMessage, res: ServerResponse) => this.#handle(req, res)
    const governed: AdapterOptions = { ...options, logger: silent }
    this.connections = govern(
      { name: 'crowd', handler, alsoKnown: [], already: 'governed twice', closing: 'nothing' },
      governed,
    ).connections
    this.#servers = [createServer(handler), createTlsServer(credentials, handler)]
    for (const server of this.#servers) {
      if (takes.upgrade) server.on('upgrade', (req, socket) => this.#take(req, socket, '101 Switching Protocols'))
      if (takes.connect) server.on('connect', (req, socket) => this.#take(req, socket, '200 OK'))
      this.connections.attach(server)
    }
  }

  async listen(): Promise<number[]> {
    for (const server of this.#servers) await once(server.listen(0, '127.0.0.1'), 'listening')
    return this.#servers.map((server) => (server.address() as AddressInfo).port)
  }

  #note({ url = '', socket }: IncomingMessage): Plan {
    const [id = '', plan = 'now'] = url.replace(/^\/|:80$/g, '').split(/-(.*)/)
    const port = socket.remotePort ?? 0
    this.onRequest()
    this.seen.set(port, [...(this.seen.get(port) ?? []), id])
    return plan as Plan
  }

  #handle(req: IncomingMessage, res: ServerResponse): void {
    const plan = this.#note(req)
    const whole = `${req.url}.`
    const half = () => void res.write(whole.slice(0, -1))
    res.on('error', ignore)
    switch (plan) {
      case 'soon':
        return void setTimeout(() => res.end(whole), 2)
      case 'late':
        return void setTimeout(() => res.end(whole), 40)
      case 'read':
        return void req.resume().on('end', () => res.end(whole))
      case 'big':
        return void res.end(whole.padEnd(400_000, '.'))
      case 'pieces':
        half()
        return void setTimeout(() => res.end('.'), 3)
      case 'close':
        return void res.setHeader('Connection', 'close').end(whole)
      case 'unframed':
        res.removeHeader('Transfer-Encoding')
        half()
        return void setTimeout(() => res.end('.'), 3)
      case 'short':
        res.setHeader('Content-Length', 1_000)
        return void res.end(whole)
      case 'long':
        res.setHeader('Content-Length', whole.length)
        res.write(whole)
        return void res.end('and more')
      case 'torn':
        half()
        return void setTimeout(() => res.destroy(), 3)
      case 'torn-unframed':
        res.removeHeader('Transfer-Encoding')
        half()
        return void setTimeout(() => res.destroy(), 3)
      case 'reset-upstream': {
        const upstream = new PassThrough()
        pipeline(upstream, res, ignore)
        upstream.write(whole.slice(0, -1))
        return void setTimeout(() => upstream.destroy(upstreamReset()), 3)
      }
      case 'no-file':
        return void pipeline(createReadStream('/there/is/no/such/file'), res, ignore)
      case 'destroy':
        return void req.socket.destroy(upstreamReset())
      case 'held':
        return
      default:
        res.end(whole)
    }
  }

  #take(req: IncomingMessage, socket: Duplex, status: string): void {
    const plan = this.#note(req)
    socket.on('error', ignore)
    const head = `HTTP/1.1 ${status}\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n`
    if (plan === 'refuse') socket.end('HTTP/1.1 426 Upgrade Required\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    else if (plan === 'destroy') socket.destroy(upstreamReset())
    else if (plan !== 'held') socket.write(head)
    if (plan === 'break') setTimeout(() => socket.destroy(upstreamReset()), 3)
    else if (plan !== 'leave' && plan !== 'held') socket.pipe(socket)
  }
}
