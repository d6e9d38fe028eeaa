import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session, ServerOptions } from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'
import { Server as TlsServer } from 'node:tls'
import type { Connections, Options as CoreOptions, Report } from '@halfclose/core'
import { Client, type ClientOptions } from '../client.js'
import { Arrivals, until, within } from '../wait.js'
import { FrameClient, type FrameClientOptions } from './client.js'
import { type AnyServer, type H2HostName, h2Hosts, type Started } from './hosts.js'

export type Mode = 'bare' | 'halfclose'
/** With what the adapters add; plain servers know no readiness route. */
export type Options = CoreOptions & { readiness?: string | undefined }
/** What the http2 server is told, in both modes alike. Fastify takes none of them. */
export type ServerSettings = Pick<ServerOptions, 'maxSessionInvalidFrames' | 'settings'>

export type Handler = (req: Http2ServerRequest, res: Http2ServerResponse) => void
export type Route = (req: Http2ServerRequest, res: Http2ServerResponse, host: H2Host) => unknown

export interface Exchange {
  req: Http2ServerRequest
  res: Http2ServerResponse
  path: string
}

export interface CaseSetup {
  options?: Options | undefined
  server?: ServerSettings | undefined
  routes?: Record<string, Route> | undefined
}

/** One HTTP/2 server with one application on it, and the clients that a test connects to it. */
export class H2Host {
  /** Requests as the application saw them, in order. */
  readonly seen = new Arrivals<Exchange>()
  readonly sessions = new Set<ServerHttp2Session>()
  readonly #clients: Client[] = []
  readonly #sockets = new Set<Socket>()
  #stopped: Promise<unknown> | undefined
  #started: Started | undefined

  private constructor(
    readonly name: H2HostName,
    readonly mode: Mode,
    readonly routes: Record<string, Route>,
  ) {}

  static async start(name: H2HostName, mode: Mode, { options, server, routes = {} }: CaseSetup): Promise<H2Host> {
    const host = new H2Host(name, mode, routes)
    host.#started = await h2Hosts[name]({ mode, options, server, handler: host.handle })
    host.#track(host.server)
    return host
  }

  get secure(): boolean {
    return this.server instanceof TlsServer
  }

  readonly handle = (req: Http2ServerRequest, res: Http2ServerResponse): void => {
    const path = req.url ?? ''
    this.seen.push({ req, res, path })
    const route = this.routes[path.split('?')[0] ?? ''] ?? byDefault
    route(req, res, this)
  }

  #track(server: AnyServer): void {
    for (const event of ['connection', 'secureConnection'])
      server.on(event, (socket: Socket) => {
        this.#sockets.add(socket)
        socket.on('close', () => this.#sockets.delete(socket))
      })
    server.on('session', (session: ServerHttp2Session) => {
      this.sessions.add(session)
      session.on('close', () => this.sessions.delete(session))
    })
  }

  get server(): AnyServer {
    if (this.#started === undefined) throw new Error('not started')
    return this.#started.server
  }

  get port(): number {
    const address: string | AddressInfo | null = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('the server has no port')
    return address.port
  }

  get tls(): boolean {
    return this.name.startsWith('https') || this.name.endsWith('and1')
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

  connect(options: Omit<FrameClientOptions, 'port' | 'tls'> = {}): Promise<FrameClient> {
    return this.connectTo(this.port, options)
  }

  /** For when the server no longer knows its port. */
  async connectTo(port: number, options: Omit<FrameClientOptions, 'port' | 'tls'> = {}): Promise<FrameClient> {
    const client = await FrameClient.open({ port, tls: this.tls, ...options })
    this.#clients.push(client.connection)
    return client
  }

  /** A client of HTTP/1.1, for hosts that speak both. */
  async connectHttp1(options: Omit<ClientOptions, 'port' | 'tls' | 'alpn'> = {}): Promise<Client> {
    const client = await Client.open({ port: this.port, tls: this.tls, alpn: ['http/1.1'], ...options })
    this.#clients.push(client)
    return client
  }

  /** A client whose first stream was answered. */
  async idleClient(options: Omit<FrameClientOptions, 'port' | 'tls'> = {}): Promise<FrameClient> {
    const client = await this.connect(options)
    await client.get('/first')
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
    for (const client of this.#clients) client.vanish()
    if (this.bare) for (const socket of this.#sockets) socket.destroy()
    await within(this.stop(), () => 'stop() with no client left')
    await until('no connection left at the server', async () => (await this.openConnections()) === 0)
    if (this.bare) return
    const open = Object.entries(this.connections.stats().open).filter(([, count]) => count !== 0)
    if (open.length > 0) throw new Error(`stats() still counts ${open.join(' ')} though every connection is closed`)
  }
}

function byDefault(req: Http2ServerRequest, res: Http2ServerResponse): void {
  const path = req.url ?? ''
  if (path.startsWith('/held')) return // the test answers
  res.setHeader('Content-Type', 'text/plain')
  if (req.method !== 'POST') return void res.end(path)
  let bytes = 0
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  req.on('end', () => res.end(`${path} ${bytes}`))
}
