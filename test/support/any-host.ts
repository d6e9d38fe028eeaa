import type { Server, Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import type { Connections, Report } from '@halfclose/core'
import type { Client } from './client.js'
import { Arrivals, patience, until, within } from './wait.js'

export type Mode = 'bare' | 'halfclose'

/** A started server, as each framework's file returns it. */
export interface StartedServer<S> {
  server: S
  connections: Connections | undefined
  /** Stops it as a deploy would. */
  stop: () => Promise<unknown>
}

export interface Exchange<Req, Res> {
  req: Req
  res: Res
  path: string
}

/** The members that requests of HTTP/1.1 and HTTP/2 share, and that are needed here. */
export type Incoming = Readable & { url?: string | undefined; method?: string | undefined }
export type Outgoing = Writable & { setHeader(name: string, value: string): unknown }

/** One server with one application, and the clients that a test connects to it, of either protocol. */
export abstract class AnyHost<S extends Server, Req extends Incoming, Res extends Outgoing> {
  /** Requests that the application has got, in order. */
  readonly seen = new Arrivals<Exchange<Req, Res>>()
  readonly #clients: Client[] = []
  readonly #sockets = new Set<Socket>()
  #stopped: Promise<unknown> | undefined
  #started: StartedServer<S> | undefined

  protected constructor(readonly mode: Mode) {}

  /** The test's handler for a path, without its query. */
  protected abstract routeOf(path: string): ((req: Req, res: Res) => unknown) | undefined

  readonly handle = (req: Req, res: Res): void => {
    const path = req.url ?? ''
    this.seen.push({ req, res, path })
    const route = this.routeOf(path.split('?')[0] ?? '') ?? byDefault
    route(req, res)
  }

  protected begin(started: StartedServer<S>): void {
    this.#started = started
    this.track(started.server)
  }

  /** Without a policy, `dispose()` ends the server's connections itself. */
  protected track(server: Server, events: readonly string[] = ['connection']): void {
    for (const event of events)
      server.on(event, (socket: Socket) => {
        this.#sockets.add(socket)
        socket.on('close', () => this.#sockets.delete(socket))
      })
  }

  /** Registers a client that has to be gone before the server is checked. */
  protected keep(client: Client): void {
    this.#clients.push(client)
  }

  get server(): S {
    if (this.#started === undefined) throw new Error('not started')
    return this.#started.server
  }

  get port(): number {
    const address = this.server.address()
    if (address === null || typeof address === 'string') throw new Error('the server has no port')
    return address.port
  }

  get bare(): boolean {
    return this.mode === 'bare'
  }

  /** The handle. A case that asks for it fails on a bare host, with this reason. */
  get connections(): Connections {
    const connections = this.#started?.connections
    if (connections === undefined) throw new Error('a bare host has no policy to ask')
    return connections
  }

  get paths(): string[] {
    return this.seen.list.map(({ path }) => path)
  }

  /** The nth request for this path that the application has got (from 1). */
  async request(path: string, nth = 1): Promise<Exchange<Req, Res>> {
    const find = (): Exchange<Req, Res> | undefined => this.seen.list.filter((exchange) => exchange.path === path)[nth - 1]
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

  /** Calls stop() and returns when the server no longer listens. */
  async stopping(): Promise<void> {
    void this.stop()
    await until('the server to stop listening', () => !this.server.listening)
  }

  /** Stops, and waits for the report. */
  async report(): Promise<Report> {
    // A promise alone may hold the drain for six seconds.
    await within(this.stop(), () => 'stop() to end', 3 * patience)
    return this.connections.drain()
  }

  /** How many connections the server still has, in any state. */
  openConnections(): Promise<number> {
    return new Promise((resolve, reject) =>
      this.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
    )
  }

  /** Ends everything, and fails if something does not end. */
  async dispose(): Promise<void> {
    for (const client of this.#clients) client.vanish() // a FIN would leave the server waiting for halfClosed
    if (this.bare) for (const socket of this.#sockets) socket.destroy()
    await within(this.stop(), () => 'stop() with no client left')
    await until('no connection left at the server', async () => (await this.openConnections()) === 0)
    if (!this.bare) assertNothingOpen(this.connections)
  }
}

function byDefault(req: Incoming, res: Outgoing): void {
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

function assertNothingOpen(connections: Connections): void {
  for (const [state, count] of Object.entries(connections.stats().open)) {
    if (count !== 0) throw new Error(`stats() still counts ${count} ${state} though every connection is closed`)
  }
}
