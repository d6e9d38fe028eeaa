import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { ListenOptions } from 'node:net'
import type { TlsOptions } from 'node:tls'
import type { Options } from '@halfclose/core'
import { AnyHost, type Mode, type StartedServer } from './any-host.js'
import { Client, type ClientOptions } from './client.js'
import { plainServer } from './hosts/http.js'
import { hosts } from './hosts/index.js'
import { get } from './requests.js'

export const hostNames = ['http', 'https', 'express4', 'express5', 'fastify4', 'fastify5', 'fastify6'] as const
export type HostName = (typeof hostNames)[number]

export type Handler = (req: IncomingMessage, res: ServerResponse) => void
export type Route = (req: IncomingMessage, res: ServerResponse, host: Host) => unknown
export type Started = StartedServer<Server>

/** The settings of the server below the application, the same in both modes. */
export interface ServerSettings {
  keepAliveTimeout?: number
  headersTimeout?: number
  requestTimeout?: number
  /** http, https and Fastify only: Express makes its own server. */
  connectionsCheckingInterval?: number
  /** Fastify's name for the setting; the other hosts call server.setTimeout(). */
  connectionTimeout?: number
  /** https only. */
  tls?: TlsOptions
}

export interface Setup {
  mode: Mode
  options?: Options | undefined
  server?: ServerSettings | undefined
  handler: Handler
}

export interface CaseSetup {
  options?: Options | undefined
  server?: ServerSettings | undefined
  routes?: Record<string, Route> | undefined
}

/** A host of HTTP/1.1. */
export class Host extends AnyHost<Server, IncomingMessage, ServerResponse> {
  readonly #others: Server[] = []

  private constructor(
    readonly name: HostName,
    mode: Mode,
    readonly routes: Record<string, Route>,
  ) {
    super(mode)
  }

  static async start(name: HostName, mode: Mode, { options, server, routes = {} }: CaseSetup): Promise<Host> {
    const host = new Host(name, mode, routes)
    host.begin(await hosts[name]({ mode, options, server, handler: host.handle }))
    return host
  }

  protected override routeOf(path: string): Handler | undefined {
    const route = this.routes[path]
    return route && ((req, res) => route(req, res, this))
  }

  /** Another server of the same kind under the same policy, with the same routes. For http and https. */
  async another(listen: ListenOptions): Promise<Server> {
    const server = plainServer(this.tls, this.handle)
    if (!this.bare) this.connections.attach(server)
    this.#others.push(server)
    this.track(server)
    server.listen(listen)
    await once(server, 'listening')
    return server
  }

  get tls(): boolean {
    return this.name === 'https'
  }

  connect(options: Omit<ClientOptions, 'port' | 'tls'> = {}): Promise<Client> {
    return this.connectTo(this.port, options)
  }

  /** For a server that no longer knows its port, and for another server: connects to its port, or its path. */
  async connectTo(port: number | string, options: Omit<ClientOptions, 'port' | 'tls'> = {}): Promise<Client> {
    const client = await Client.open({ port, tls: this.tls, ...options })
    this.keep(client)
    return client
  }

  /** A client whose first request was answered, so that it has a promise. */
  async idleClient(options: Omit<ClientOptions, 'port' | 'tls'> = {}): Promise<Client> {
    const client = await this.connect(options)
    await client.ask(get('/first'))
    return client
  }

  override async dispose(): Promise<void> {
    if (this.bare) for (const other of this.#others) other.close()
    await super.dispose()
  }
}
