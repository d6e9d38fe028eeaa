import { setTimeout as sleep } from 'node:timers/promises'
import type { Policy } from '@halfclose/core'
import { Example } from './child.js'
import { RawClient, type Response } from './raw-client.js'
import { listens } from './sigterm.js'
import { Traffic } from './traffic.js'

const body = '{"half":"close"}'

export interface Probe {
  path: string
  /** Milliseconds from one to the next. */
  period: number
  /** So many in a row, and it counts as failed. */
  failures: number
}

export type Exit = Awaited<Example['exit']>

/** What stands around a process and ends it, such as a kubelet with its kube-proxies, or ECS with its load balancer. */
export class Orchestrator {
  /** What came about, in this order. */
  readonly happened: string[] = []
  readonly example: Example
  readonly port: number
  readonly #clients: (RawClient | Traffic)[] = []

  private constructor(example: Example, port: number) {
    this.example = example
    this.port = port
  }

  /** `onStart` gets the process before anything can fail, so that afterEach can kill it. */
  static async start(directory: string, env: Record<string, string>, onStart: (example: Example) => void): Promise<Orchestrator> {
    const example = new Example(directory, { ...env, HOST: '127.0.0.1', PORT: '0' })
    onStart(example)
    return new Orchestrator(example, Number((await example.line(/listening .*?(\d+)$/))[1]))
  }

  /** The policy that the process itself goes by. */
  async policy(): Promise<Policy> {
    return JSON.parse((await this.example.line(/^policy (.*)$/))[1] ?? '')
  }

  note(what: string): void {
    this.happened.push(what)
  }

  async connect(): Promise<RawClient> {
    const client = await RawClient.connect(this.port)
    this.#clients.push(client)
    return client
  }

  traffic(connections: 'new' | 'kept'): Traffic {
    const traffic = new Traffic(this.port, connections)
    this.#clients.push(traffic)
    return traffic
  }

  /** A request that the handler has begun to read, and of which the second half is missing. */
  async halfARequest(): Promise<HalfARequest> {
    const client = await this.connect()
    client.write(
      `POST /echo HTTP/1.1\r\nHost: example\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 5)}`,
    )
    await this.example.line(/POST \/echo/)
    return {
      client,
      body,
      finish: () => client.request(body.slice(5)),
    }
  }

  /** The status at a path, on a connection of its own; 0: no answer. */
  async ask(path: string): Promise<number> {
    try {
      const client = await this.connect()
      const { status } = await client.request(`GET ${path} HTTP/1.1\r\nHost: example\r\nConnection: close\r\n\r\n`)
      client.close()
      return status
    } catch {
      return 0
    }
  }

  /** Asks for the path on a new connection each time, until it has failed; resolves with the statuses, 0 where there was no answer. */
  async failing({ path, period, failures }: Probe): Promise<number[]> {
    const statuses: number[] = []
    for (let failed = 0; failed < failures; ) {
      const status = await this.ask(path)
      statuses.push(status)
      failed = status >= 200 && status < 400 ? 0 : failed + 1
      if (failed < failures) await sleep(period)
    }
    return statuses
  }

  /** SIGTERM, and SIGKILL so many milliseconds later, unless the process has ended. Resolves with how it did. */
  async stop(killAfter: number): Promise<Exit> {
    this.note('SIGTERM')
    this.example.terminate()
    const timer = setTimeout(() => {
      this.note('SIGKILL')
      this.example.kill()
    }, killAfter)
    const exit = await this.example.exit
    clearTimeout(timer)
    this.note('exit')
    return exit
  }

  async stoppedListening(): Promise<void> {
    while (await listens(this.port)) await sleep(20)
    this.note('stopped listening')
  }

  /** For afterEach, with the process killed. */
  destroy(): void {
    for (const client of this.#clients) client.destroy()
  }
}

export interface HalfARequest {
  readonly client: RawClient
  /** The whole of it; the answer has the same. */
  readonly body: string
  finish(): Promise<Response>
}
