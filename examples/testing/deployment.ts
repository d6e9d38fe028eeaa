import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { endAll, startProxy } from '../../test/deploy/children.mjs'
import { until } from '../../test/support/wait.js'
import { Example } from './child.js'
import { acceptQueue, freePort } from './ports.js'
import { RawClient, type Response } from './raw-client.js'
import { listens } from './sigterm.js'
import { post, Visitors } from './visitors.js'

export interface Ports {
  proxy: number
  servers: readonly [number, number]
}

/** The command lines that check the proxy's configuration, and that run it; `folder` is the proxy's own. */
export type ProxyCommands = (folder: string, ports: Ports) => { check: string[]; run: string[] }

/** A proxy, two processes of a server behind it, and visitors who never stop. */
export class Deployment {
  readonly #directory: string
  readonly #ports: Ports
  readonly #folder = mkdtempSync(path.join(tmpdir(), 'halfclose-recipe-'))
  readonly #servers: [Example, Example]
  readonly #clients: RawClient[] = []
  readonly #exits: Promise<unknown>[] = []
  #visitors: Visitors | undefined

  private constructor(directory: string, ports: Ports) {
    this.#directory = directory
    this.#ports = ports
    this.#servers = [this.#start(0), this.#start(1)]
  }

  /** `directory`: where the servers' `server.mjs` is. Resolves when visitors are served through the proxy. */
  static async start(directory: string, proxy: ProxyCommands): Promise<Deployment> {
    const deployment = new Deployment(directory, { proxy: await freePort(), servers: [await freePort(), await freePort()] })
    try {
      await deployment.#begin(proxy)
      return deployment
    } catch (error) {
      await deployment.end()
      throw error
    }
  }

  async #begin(proxy: ProxyCommands): Promise<void> {
    const { check, run } = proxy(this.#folder, this.#ports)
    const [command = '', ...args] = check
    const checked = spawnSync(command, args, { encoding: 'utf8' })
    if (checked.status !== 0) throw new Error(`${check.join(' ')}:\n${checked.stdout}${checked.stderr}`)
    for (const server of this.#servers) await server.line(/listening/)
    const log = openSync(this.#log, 'a')
    this.#exits.push(once(startProxy(run, log), 'exit'))
    closeSync(log)
    await until('the proxy listens', () => listens(this.#ports.proxy))
    this.#visitors = new Visitors(this.#ports.proxy, 6)
    await this.#visitors.more(20)
  }

  get visitors(): Visitors {
    if (this.#visitors === undefined) throw new Error('not begun')
    return this.#visitors
  }

  /** What the proxy printed. */
  get log(): string {
    return readFileSync(this.#log, 'utf8')
  }

  server(which: 0 | 1): Example {
    return this.#servers[which]
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.#ports.proxy)
    this.#clients.push(client)
    return client
  }

  /** Sends half of a request, and finds out which server has got it. */
  async upload(path: string, json: string): Promise<{ which: 0 | 1; finish(): Promise<Response> }> {
    const client = await this.connect()
    const request = post(`${path}?half`, json)
    client.write(request.slice(0, -5))
    const seen = this.#servers.map((server, which) => server.line(/\?half$/).then(() => which))
    const which = (await Promise.race(seen)) === 0 ? 0 : 1
    return { which, finish: () => client.request(request.slice(-5)) }
  }

  /**
   * Holds a process up, as a starved machine does, until new connections wait to be accepted, each with a request on it; then tells it to
   * go. Resolves with the answers to all of a burst of requests, of which the other server gets its share.
   */
  async terminateBusy(which: 0 | 1): Promise<string[]> {
    const server = this.server(which)
    server.signal('SIGSTOP')
    const answers = Promise.all(
      Array.from({ length: 40 }, async (_, id) => {
        try {
          const { status, body } = await (await this.connect()).request(post('/echo', `{"order":"${id}"}`))
          return `${status} ${body}`
        } catch (error) {
          return String(error)
        }
      }),
    )
    await until('requests wait to be accepted', () => acceptQueue(this.#ports.servers[which]) >= 10)
    server.terminate()
    server.signal('SIGCONT')
    return answers
  }

  async stoppedListening(which: 0 | 1): Promise<void> {
    await until('the server stops listening', async () => !(await listens(this.#ports.servers[which])), 12_000)
  }

  /** A new process where the old one has ended. */
  async replace(which: 0 | 1): Promise<Example> {
    this.#servers[which] = this.#start(which)
    await this.server(which).line(/listening/)
    return this.server(which)
  }

  /** For afterEach: nothing may outlive a test that failed. */
  async end(): Promise<void> {
    for (const client of this.#clients) client.destroy()
    for (const server of this.#servers) server.kill()
    endAll()
    await Promise.all([...this.#exits, this.#visitors?.stop()])
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #start(which: 0 | 1): Example {
    const server = new Example(this.#directory, { HOST: '127.0.0.1', PORT: String(this.#ports.servers[which]) })
    this.#exits.push(server.exit)
    return server
  }

  get #log(): string {
    return path.join(this.#folder, 'log')
  }
}
