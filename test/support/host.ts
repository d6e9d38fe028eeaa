import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo, ListenOptions, Socket } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { Connections, Options, Report } from '@halfclose/core'
import { Client, type ClientOptions } from './client.js'
import { plainServer } from './hosts/http.js'
import { hosts } from './hosts/index.js'
import { get } from './requests.js'
import { Arrivals, until, within } from './wait.js'

export const hostNames = ['http', 'https', 'express4', 'express5', 'fastify4', 'fastify5'] as const
export type HostName = (typeof hostNames)[number]
export type Mode = 'bare' | 'halfclose'

export type Route = (req: IncomingMessage, res: ServerResponse, host: Host) => unknown

/** What the server under the application is told, in both modes alike. */
export interface ServerSettings {
  keepAliveTimeout?: number
  headersTimeout?: number
  requestTimeout?: number
  /** http, https and Fastify only: Express makes its own server. */
  connectionsCheckingInterval?: number
  /** Fastify's name for it; the others get server.setTimeout(). */
  connectionTimeout?: number
  /** https only. */
  tls?: TlsOptions
}

export interface Setup {
  mode: Mode
  options?: Options | undefined
  server?: ServerSettings | undefined
  handler: (req: IncomingMessage, res: ServerResponse) => void
}

/** What a framework has to bring along to be tested. */
export interface Started {
  server: Server
  connections: Connections | undefined
  /** What a deploy would call. */
  stop: () => Promise<unknown>
}

export interface Exchange {
  req: IncomingMessage
  res: ServerResponse
  path: string
}

export interface CaseSetup {
  options?: Options | undefined
  server?: ServerSettings | undefined
  routes?: Record<string, Route> | undefined
}

/** One server with one application on it, and the clients that a test connects to it. */
export class Host {
  /** Requests as the application saw them, in order. */
  readonly seen = new Arrivals<Exchange>()
  readonly #clients: Client[] = []
  readonly #sockets = new Set<Socket>()
  readonly #others: Server[] = []
  #stopped: Promise<unknown> | undefined
  #started: Started | undefined

  private constructor(
    readonly name: HostName,
    readonly mode: Mode,
    readonly routes: Record<string, Route>,
  ) {}

  static async start(name: HostName, mode: Mode, { options, server, routes = {} }: CaseSetup): Promise<Host> {
    const host = new Host(name, mode, routes)
    host.#started = await hosts[name]({ mode, options, server, handler: host.#handle })
    host.#track(host.server)
    return host
  }

  /** One more server of the same kind under the same policy, with the same routes. For http and https. */
  async another(listen: ListenOptions): Promise<Server> {
    const server = plainServer(this.tls, this.#handle)
    if (!this.bare) this.connections.attach(server)
    this.#others.push(server)
    this.#track(server)
    server.listen(listen)
    await once(server, 'listening')
    return server
  }

  readonly #handle = (req: IncomingMessage, res: ServerResponse): void => {
    const path = req.url ?? ''
    this.seen.push({ req, res, path })
    const route = this.routes[path.split('?')[0] ?? ''] ?? byDefault
    route(req, res, this)
  }

  #track(server: Server): void {
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
    })
  }

  get server(): Server {
    if (this.#started === undefined) throw new Error('not started')
    return this.#started.server
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get tls(): boolean {
    return this.name === 'https'
  }

  get bare(): boolean {
    return this.mode === 'bare'
  }

  /** The handle. A case that asks for it fails on a bare host, and says why. */
  get connections(): Connections {
    const connections = this.#started?.connections
    if (connections === undefined) throw new Error('a bare host has no policy to ask')
    return connections
  }

  get paths(): string[] {
    return this.seen.list.map(({ path }) => path)
  }

  connect(options: Omit<ClientOptions, 'port' | 'tls'> = {}): Promise<Client> {
    return this.connectTo(this.port, options)
  }

  /** For when the server no longer knows its port, and for another server: its port, or its path. */
  async connectTo(port: number | string, options: Omit<ClientOptions, 'port' | 'tls'> = {}): Promise<Client> {
    const client = await Client.open({ port, tls: this.tls, ...options })
    this.#clients.push(client)
    return client
  }

  /** A client whose first request was answered: it holds a promise now. */
  async idleClient(options: Omit<ClientOptions, 'port' | 'tls'> = {}): Promise<Client> {
    const client = await this.connect(options)
    await client.ask(get('/first'))
    return client
  }

  /** The nth request that the application was given for this path (from 1). */
  async request(path: string, nth = 1): Promise<Exchange> {
    const find = (): Exchange | undefined => this.seen.list.filter((exchange) => exchange.path === path)[nth - 1]
    for (let index = 0; ; index++) {
      const found = find()
      if (found !== undefined) return found
      await within(this.seen.at(index), () => `${path} at the application, which saw ${this.paths.join(' ') || 'nothing'}`)
    }
  }

  stop(): Promise<unknown> {
    this.#stopped ??= Promise.resolve(this.#started?.stop())
    this.#stopped.catch(() => {})
    return this.#stopped
  }

  /** Calls stop() and returns once the server has begun to act on it: it no longer listens. */
  async stopping(): Promise<void> {
    void this.stop()
    await until('the server to stop listening', () => !this.server.listening)
  }

  /** Stops, and waits for the report. */
  async report(): Promise<Report> {
    await within(this.stop(), () => 'stop() to end')
    return this.connections.drain()
  }

  /** Connections that the server still has, whatever state they are in. */
  openConnections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    )
  }

  /** Ends everything, and says so if something does not end. */
  async dispose(): Promise<void> {
    for (const client of this.#clients) client.vanish() // a FIN would leave the server waiting for halfClosed
    if (this.bare) for (const socket of this.#sockets) socket.destroy()
    if (this.bare) for (const other of this.#others) other.close()
    await within(this.stop(), () => 'stop() with no client left')
    await until('no connection left at the server', async () => (await this.openConnections()) === 0)
    if (!this.bare) assertNothingOpen(this.connections)
  }
}

function byDefault(req: IncomingMessage, res: ServerResponse): void {
  const path = req.url ?? ''
  if (path.startsWith('/held')) return // the test answers
  res.setHeader('Content-Type', 'text/plain')
  if (req.method === 'POST') {
    let bytes = 0
    req.on('data', (chunk: Buffer) => {
      bytes += chunk.length
    })
    req.on('end', () => res.end(`${path} ${bytes}`))
  } else {
    res.end(path)
  }
}

function assertNothingOpen(connections: Connections): void {
  for (const [state, count] of Object.entries(connections.stats().open)) {
    if (count !== 0) throw new Error(`stats() still counts ${count} ${state} though every connection is closed`)
  }
}
