import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session, ServerOptions } from 'node:http2'
import { Server as TlsServer } from 'node:tls'
import type { Options as CoreOptions } from '@halfclose/core'
import { AnyHost, type Mode } from '../any-host.js'
import { Client, type ClientOptions } from '../client.js'
import { FrameClient, type FrameClientOptions } from './client.js'
import { type AnyServer, type H2HostName, h2Hosts } from './hosts.js'

/** The options of the core and one of the adapters; plain servers ignore `readiness`. */
export type Options = CoreOptions & { readiness?: string | undefined }
/** The settings of the http2 server, the same in both modes. Fastify takes none of them. */
export type ServerSettings = Pick<ServerOptions, 'maxSessionInvalidFrames' | 'settings'>

export type Handler = (req: Http2ServerRequest, res: Http2ServerResponse) => void
export type Route = (req: Http2ServerRequest, res: Http2ServerResponse, host: H2Host) => unknown

export interface CaseSetup {
  options?: Options | undefined
  server?: ServerSettings | undefined
  routes?: Record<string, Route> | undefined
}

/** A host of HTTP/2, and of HTTP/1.1 where the same port speaks it. */
export class H2Host extends AnyHost<AnyServer, Http2ServerRequest, Http2ServerResponse> {
  readonly sessions = new Set<ServerHttp2Session>()

  private constructor(
    readonly name: H2HostName,
    mode: Mode,
    readonly routes: Record<string, Route>,
  ) {
    super(mode)
  }

  static async start(name: H2HostName, mode: Mode, { options, server, routes = {} }: CaseSetup): Promise<H2Host> {
    const host = new H2Host(name, mode, routes)
    host.begin(await h2Hosts[name]({ mode, options, server, handler: host.handle }))
    return host
  }

  protected override routeOf(path: string): Handler | undefined {
    const route = this.routes[path]
    return route && ((req, res) => route(req, res, this))
  }

  protected override track(server: AnyServer): void {
    super.track(server, ['connection', 'secureConnection'])
    server.on('session', (session: ServerHttp2Session) => {
      this.sessions.add(session)
      session.on('close', () => this.sessions.delete(session))
    })
  }

  get secure(): boolean {
    return this.server instanceof TlsServer
  }

  get tls(): boolean {
    return this.name.startsWith('https') || this.name.endsWith('and1')
  }

  connect(options: Omit<FrameClientOptions, 'port' | 'tls'> = {}): Promise<FrameClient> {
    return this.connectTo(this.port, options)
  }

  /** For a server that no longer knows its port. */
  async connectTo(port: number, options: Omit<FrameClientOptions, 'port' | 'tls'> = {}): Promise<FrameClient> {
    const client = await FrameClient.open({ port, tls: this.tls, ...options })
    this.keep(client.connection)
    return client
  }

  /** An HTTP/1.1 client, for hosts that speak both. */
  async connectHttp1(options: Omit<ClientOptions, 'port' | 'tls' | 'alpn'> = {}): Promise<Client> {
    const client = await Client.open({ port: this.port, tls: this.tls, alpn: ['http/1.1'], ...options })
    this.keep(client)
    return client
  }

  /** A client whose first stream was answered. */
  async idleClient(options: Omit<FrameClientOptions, 'port' | 'tls'> = {}): Promise<FrameClient> {
    const client = await this.connect(options)
    await client.get('/first')
    return client
  }
}
