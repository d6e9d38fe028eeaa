import path from 'node:path'
import { Client } from '../../../test/support/client.js'
import { get } from '../../../test/support/requests.js'
import type { Response } from '../../../test/support/responses.js'
import { until } from '../../../test/support/wait.js'
import { Example } from '../../testing/child.js'
import { Relay } from './relay.js'

export { portOf } from './relay.js'

export interface Running {
  readonly example: Example
  readonly port: number
}

/** Everybody who takes part in one test: they all leave with it. */
export class Cast {
  readonly #leave: (() => void)[] = []

  async start(file: string, env: Record<string, string> = {}): Promise<Running> {
    const example = new Example(path.join(__dirname, '..'), env, file)
    this.#leave.push(() => example.kill())
    const [, port] = await example.line(/listening .*?(\d+)(?:"|$)/)
    return { example, port: Number(port) }
  }

  async connect(port: number): Promise<Client> {
    const client = await Client.open({ port })
    this.#leave.push(() => client.vanish())
    return client
  }

  /** Over a connection of its own: while the server leaves, more and more answers say close. */
  async ask(port: number, request: string): Promise<Response> {
    return (await this.connect(port)).ask(request)
  }

  /** Waits until the server has been told to leave. */
  async leaving(port: number): Promise<void> {
    await until('/ready says no', async () => (await this.ask(port, get('/ready', 'Connection: close'))).status === 503)
  }

  async relay(to: number): Promise<Relay> {
    const relay = await Relay.listen(to)
    this.#leave.push(() => relay.close())
    return relay
  }

  also(leave: () => void): void {
    this.#leave.push(leave)
  }

  disband(): void {
    for (const leave of this.#leave.splice(0).reverse()) leave()
  }
}
