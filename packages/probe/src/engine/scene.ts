import { isIP } from 'node:net'
import { Client, type ClientOptions, FrameClient, type FrameClientOptions } from '../wire/index.js'
import type { Bounds } from './bounds.js'
import { type Facts, reason } from './server-facts.js'
import type { Target } from './target.js'

/** One connection of a trial, with times. */
export interface Recorded {
  /** Lines with times in ms since the trial began. */
  lines: { at: number; what: string }[]
}

/** The parts of a request. */
export interface Asked {
  method?: string
  path?: string
  version?: '1.0' | '1.1'
  /** Fields besides Host. */
  fields?: readonly string[]
  body?: string
}

/** The server did not take a connection. */
export class NoConnection extends Error {
  /** The server does not listen, and says so. */
  readonly refused: boolean

  constructor(cause: NodeJS.ErrnoException) {
    super(`no connection: ${reason(cause)}`, { cause })
    this.refused = cause.code === 'ECONNREFUSED'
  }
}

const noConnection = (error: NodeJS.ErrnoException): never => {
  throw new NoConnection(error)
}

/** What one trial of a check uses: the server, the facts about it, and connections that are recorded and cleaned up. */
export class Scene {
  readonly #began = Date.now()
  readonly #clients: Client[] = []
  readonly #sessions: FrameClient[] = []
  /** Called when the rest of a heavy check only waits, so that another one may begin. */
  calm: () => void = () => {}

  constructor(
    readonly target: Target,
    readonly facts: Facts,
    readonly bounds: Bounds,
  ) {}

  /** The bytes of a request for the probed path. */
  request({ method = 'GET', path = this.target.path, version = '1.1', fields = [], body }: Asked = {}): string {
    const length =
      body === undefined || fields.some((field) => /^content-length:/i.test(field)) ? [] : [`Content-Length: ${body.length}`]
    const lines = [`${method} ${path} HTTP/${version}`, `Host: ${this.target.authority}`, ...fields, ...length]
    return `${lines.join('\r\n')}\r\n\r\n${body ?? ''}`
  }

  async connect(options: Partial<ClientOptions> = {}): Promise<Client> {
    const client = await Client.open({ ...this.#address(), ...options }).catch(noConnection)
    this.#clients.push(client)
    return client
  }

  /** Opens a session, and waits for the server's SETTINGS. */
  async session(options: Partial<FrameClientOptions> = {}): Promise<FrameClient> {
    const { authority, tls } = this.target
    const scheme = tls ? 'https' : 'http'
    const session = await FrameClient.open({ ...this.#address(), authority, scheme, ...options }).catch(noConnection)
    this.#sessions.push(session)
    this.#clients.push(session.connection)
    await session.frame('SETTINGS', () => true, this.bounds.answer)
    return session
  }

  /** Ends what is still open. */
  async dispose(): Promise<void> {
    for (const client of this.#clients) client.vanish()
  }

  /** Bytes that were sent, with those of TLS. */
  get sent(): number {
    return this.#clients.reduce((sum, { raw }) => sum + raw.bytesWritten, 0)
  }

  /** What was sent and seen, connection by connection. */
  record(): Recorded[] {
    return this.#clients.map((client) => {
      const session = this.#sessions.find(({ connection }) => connection === client)
      const { began, lines } = session?.transcript ?? client.transcript
      const end = session === undefined ? [] : client.transcript.lines.filter(({ what }) => /FIN|reset|RST|error|gone/.test(what))
      const all = [...lines, ...end].map(({ at, what }) => ({ at: began - this.#began + at, what }))
      return { lines: all.sort((a, b) => a.at - b.at) }
    })
  }

  #address() {
    const { host, port, tls } = this.target
    return { host, port, tls, bodies: false, ...(isIP(host) === 0 && { secure: { servername: host } }) }
  }
}
